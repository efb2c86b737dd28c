// SPDX-License-Identifier: Apache-2.0
// What test cases are made of: one broker for all cases of a suite, a topic named after the case.
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "tests/broker_process.h"
#include "tests/requests.h"
#include "tests/wire.h"

namespace cms::tests {

class BrokerTest : public ::testing::Test {
 public:
  static void SetUpTestSuite() { broker_ = std::make_unique<BrokerProcess>(BrokerSetup{.settings = {"core.count=2"}}); }
  static void TearDownTestSuite() {
    if (!broker_) return;  // it has not started
    EXPECT_EQ(broker_->stop(), 0) << broker_->log();
    broker_.reset();
  }

 protected:
  static BrokerProcess& broker() { return *broker_; }
  static Wire connect() { return Wire(broker_->port()); }

  // Of the case that runs.
  static std::string topic() { return ::testing::UnitTest::GetInstance()->current_test_info()->name(); }

  Wire wire_{broker_->port()};

 private:
  static inline std::unique_ptr<BrokerProcess> broker_;
};

}  // namespace cms::tests

namespace cms::protocol {
inline void PrintTo(ErrorCode code, std::ostream* out) { *out << name_of(code); }
}  // namespace cms::protocol
