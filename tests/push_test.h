// SPDX-License-Identifier: Apache-2.0
// What the suites of push share: every case runs over every kind of channel.
#pragma once

#include <string>

#include "tests/broker_test.h"
#include "tests/push_client.h"

namespace cms::tests {

class PushTest : public BrokerTest, public ::testing::WithParamInterface<ChannelKind> {
 protected:
  // A name without what a parameterised case's has and topics cannot.
  static std::string topic() {
    std::string name = BrokerTest::topic();
    std::ranges::replace(name, '/', '-');
    return name;
  }

  static PushClient::Options of_this_kind(PushClient::Options options = {}) {
    options.kind = GetParam();
    return options;
  }
  static PushClient open(PushClient::Options options = {}) { return PushClient(broker(), of_this_kind(options)); }
};

inline std::string kind_name(const ::testing::TestParamInfo<ChannelKind>& info) {
  return std::string(transport::to_string(info.param));
}

}  // namespace cms::tests
