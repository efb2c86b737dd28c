// SPDX-License-Identifier: Apache-2.0
// The native client library against a broker as users run it, for each kind of channel.
#pragma once

#include <cms/publisher.h>
#include <cms/session.h>
#include <cms/subscriber.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/broker_test.h"

namespace cms::tests {

using std::chrono::seconds;

// RDMA_VM says that there are two RDMA devices; the broker is to be reached at the address of the second.
inline bool has_rdma_devices() {
  const char* const link = std::getenv("RDMA_VM");
  return link != nullptr && std::getenv("RDMA_VM_ADDR_B") != nullptr && std::string(link) != "none";
}

inline cms::Session open_session(const std::string& address, cms::ChannelKind kind, cms::SessionOptions options = {}) {
  options.bootstrap = address;
  if (kind == cms::ChannelKind::rdma) {
    options.bootstrap = std::getenv("RDMA_VM_ADDR_B") + address.substr(address.rfind(':'));
  }
  options.channel = kind;
  auto session = cms::Session::connect(options);
  if (!session) throw std::runtime_error(session.error().message);
  return std::move(*session);
}

// Polls until `done`; false when that takes too long.
template <typename Done>
bool poll_until(cms::Session& session, Done done, milliseconds limit = patience) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    if (const auto polled = session.poll(milliseconds(50)); !polled) return false;
  }
  return true;
}

struct Arrived {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::string key;
  std::string value;
};

// What a subscriber was told, copied.
struct Received {
  std::vector<Arrived> records;
  std::vector<std::pair<std::int64_t, std::int64_t>> gaps;
  std::vector<std::string> opened;
  std::vector<std::string> closed;
  std::function<void(const cms::ReceivedRecord&)> also;  // called with each record

  cms::SubscriberOptions options() {
    cms::SubscriberOptions options;
    options.on_record = [this](const cms::ReceivedRecord& record) {
      records.push_back({std::string(record.topic), record.partition, record.offset,
                         std::string(record.key ? record.key->text() : ""),
                         std::string(record.value ? record.value->text() : "")});
      if (also) also(record);
    };
    options.on_gap = [this](const cms::Gap& gap) { gaps.emplace_back(gap.from, gap.to); };
    options.on_opened = [this](const cms::PartitionChange& change) { opened.emplace_back(change.topic); };
    options.on_closed = [this](const cms::PartitionChange& change) { closed.emplace_back(change.topic); };
    return options;
  }

  std::vector<std::string> values() const {
    std::vector<std::string> all;
    for (const Arrived& record : records) all.push_back(record.value);
    return all;
  }
};

inline std::vector<std::string> numbers(int from, int to) {
  std::vector<std::string> all;
  for (int i = from; i < to; ++i) all.push_back(std::to_string(i));
  return all;
}

class NativeTest : public BrokerTest, public ::testing::WithParamInterface<cms::ChannelKind> {
 protected:
  static cms::Session open(cms::SessionOptions options = {}) {
    return open_session(broker().address(), GetParam(), std::move(options));
  }

  static std::string topic() {
    std::string name = BrokerTest::topic();
    std::replace(name.begin(), name.end(), '/', '-');
    return name;
  }
};

inline std::string name_of_kind(const ::testing::TestParamInfo<cms::ChannelKind>& info) {
  return std::string(to_string(info.param));
}

inline std::vector<cms::ChannelKind> kinds_here() {
  std::vector<cms::ChannelKind> kinds{cms::ChannelKind::tcp, cms::ChannelKind::shared_memory};
  if (has_rdma_devices()) kinds.push_back(cms::ChannelKind::rdma);
  return kinds;
}

inline const auto native_kinds = ::testing::ValuesIn(kinds_here());

}  // namespace cms::tests
