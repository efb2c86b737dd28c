// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/producers.h"

#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "broker/handlers/test_broker.h"

namespace cms::broker {
namespace {

using protocol::InitProducerIdRequest;
using protocol::InitProducerIdResponse;

class ProducersTest : public ::testing::Test {
 protected:
  InitProducerIdResponse ask(const InitProducerIdRequest& request) {
    return broker_.answer<InitProducerIdResponse>(
        5, [&](const RequestContext& context, auto& response) { init_producer_id(ids_, context, request, response); });
  }

  test::TestBroker broker_;
  ProducerIds ids_{broker_.metadata()};
};

TEST_F(ProducersTest, EveryIdIsNewAndHasEpochZero) {
  std::set<std::int64_t> seen;
  for (int i = 0; i < 2500; ++i) {
    const InitProducerIdResponse response = ask({});
    ASSERT_EQ(response.error_code, ErrorCode::none);
    EXPECT_EQ(response.producer_epoch, 0);
    EXPECT_GE(response.producer_id, 0);
    EXPECT_TRUE(seen.insert(response.producer_id).second);
  }
}

TEST_F(ProducersTest, NoIdIsGivenAgainAfterARestart) {
  const std::int64_t before = ask({}).producer_id;
  broker_.restart();
  ProducerIds again(broker_.metadata());
  EXPECT_GT(*again.next(), before);
}

TEST_F(ProducersTest, ThreadsGetDifferentIds) {
  std::vector<std::vector<std::int64_t>> given(4);
  std::vector<std::thread> threads;
  for (auto& mine : given) {
    threads.emplace_back([&] {
      for (int i = 0; i < 600; ++i) mine.push_back(*ids_.next());
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::int64_t> all;
  for (const auto& mine : given) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), 2400u);
}

TEST_F(ProducersTest, IdThatAClientHadIsReplacedWithoutTransactionalId) {
  InitProducerIdRequest request;
  request.producer_id = 5;
  request.producer_epoch = 1;
  const InitProducerIdResponse response = ask(request);
  EXPECT_EQ(response.error_code, ErrorCode::none);
  EXPECT_EQ(response.producer_epoch, 0);
}

TEST_F(ProducersTest, IdWithoutEpochAndEpochWithoutIdAreInvalid) {
  InitProducerIdRequest request;
  request.producer_id = 5;
  EXPECT_EQ(ask(request).error_code, ErrorCode::invalid_request);
  request.producer_id = -1;
  request.producer_epoch = 1;
  EXPECT_EQ(ask(request).error_code, ErrorCode::invalid_request);
}

TEST_F(ProducersTest, TransactionalIdIsRefusedForGood) {
  InitProducerIdRequest request;
  request.transactional_id = "t";
  request.transaction_timeout_ms = 60'000;
  const InitProducerIdResponse response = ask(request);
  EXPECT_EQ(response.error_code, ErrorCode::unsupported_version);
  EXPECT_FALSE(protocol::is_retriable(response.error_code));
  EXPECT_EQ(response.producer_id, -1);
  EXPECT_EQ(response.producer_epoch, -1);
}

TEST_F(ProducersTest, EmptyTransactionalIdAndBadTimeoutsAreInvalid) {
  InitProducerIdRequest request;
  request.transactional_id = "";
  EXPECT_EQ(ask(request).error_code, ErrorCode::invalid_request);
  request.transactional_id = "t";
  for (const std::int32_t bad : {0, -1, 900'001}) {
    request.transaction_timeout_ms = bad;
    EXPECT_EQ(ask(request).error_code, ErrorCode::invalid_transaction_timeout);
  }
}

}  // namespace
}  // namespace cms::broker
