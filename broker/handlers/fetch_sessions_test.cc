// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/fetch_sessions.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace cms::broker {
namespace {

using protocol::ErrorCode;
using protocol::FetchRequest;
using protocol::FetchResponse;
using Names = std::vector<std::string>;

constexpr protocol::Version by_name = 12;
constexpr protocol::Version by_id = 13;

FetchRequest::Topic topic(const std::string& name, std::int32_t partitions, std::int64_t offset = 0) {
  FetchRequest::Topic topic{.topic = name, .topic_id = {}, .partitions = {}};
  for (std::int32_t index = 0; index < partitions; ++index) {
    FetchRequest::Partition& partition = topic.partitions.emplace_back();
    partition.partition = index;
    partition.fetch_offset = offset;
  }
  return topic;
}

FetchRequest request(std::int32_t session, std::int32_t epoch, std::vector<FetchRequest::Topic> topics = {}) {
  FetchRequest request;
  request.session_id = session;
  request.session_epoch = epoch;
  request.topics = std::move(topics);
  return request;
}

FetchResponse::Partition nothing_new() {
  FetchResponse::Partition answer;
  answer.high_watermark = 10;
  answer.log_start_offset = 0;
  return answer;
}

FetchResponse::Partition with_records() {
  FetchResponse::Partition answer = nothing_new();
  answer.records.append(base::Bytes::copy_of("batch"));
  return answer;
}

class FetchSessionsTest : public ::testing::Test {
 protected:
  // Opens, answers every partition alike, and returns what the response holds.
  Names exchange(const FetchRequest& request, protocol::Version version = by_name,
                 const FetchResponse::Partition& answer = nothing_new()) {
    error_ = sessions_.open(request, version, context_);
    Names included;
    if (error_ == ErrorCode::none) {
      for (FetchPartition& partition : context_.partitions()) {
        if (context_.include(partition, answer)) included.push_back(name_of(partition));
      }
    }
    session_id_ = context_.finish();
    return included;
  }

  // A new session with these topics, all of whose partitions were answered with nothing new.
  std::int32_t new_session(std::vector<FetchRequest::Topic> topics) {
    exchange(request(0, 0, std::move(topics)));
    return session_id_;
  }

  static std::string name_of(const FetchPartition& partition) {
    return partition.topic + "-" + std::to_string(partition.partition);
  }

  Names order() {
    Names names;
    for (FetchPartition& partition : context_.partitions()) names.push_back(name_of(partition));
    return names;
  }

  base::ManualClock clock_;
  FetchSessions sessions_{clock_, {.sessions = 3, .partitions = 100}, 1};
  FetchContext context_;
  ErrorCode error_ = ErrorCode::none;
  std::int32_t session_id_ = 0;
};

TEST_F(FetchSessionsTest, FullFetchWithoutSessionLeavesNone) {
  EXPECT_EQ(exchange(request(0, -1, {topic("a", 2)})), (Names{"a-0", "a-1"}));
  EXPECT_EQ(session_id_, 0);
  EXPECT_EQ(sessions_.session_count(), 0u);
}

TEST_F(FetchSessionsTest, EpochMinusOneClosesTheSessionThatItNames) {
  const std::int32_t id = new_session({topic("a", 1)});
  EXPECT_EQ(exchange(request(id, -1, {topic("a", 1)})), Names{"a-0"});
  EXPECT_EQ(session_id_, 0);
  EXPECT_EQ(sessions_.session_count(), 0u);
  EXPECT_EQ(sessions_.partition_count(), 0u);
}

TEST_F(FetchSessionsTest, EpochZeroMakesASessionAndClosesTheNamedOne) {
  const std::int32_t first = new_session({topic("a", 1)});
  ASSERT_NE(first, 0);
  EXPECT_EQ(exchange(request(first, 0, {topic("a", 2)})), (Names{"a-0", "a-1"}));
  EXPECT_NE(session_id_, first);
  EXPECT_EQ(sessions_.session_count(), 1u);
  exchange(request(first, 1));
  EXPECT_EQ(error_, ErrorCode::fetch_session_id_not_found);
}

TEST_F(FetchSessionsTest, UnknownSessionIsNotFound) {
  exchange(request(77, 1, {topic("a", 1)}));
  EXPECT_EQ(error_, ErrorCode::fetch_session_id_not_found);
  EXPECT_EQ(session_id_, 0);
  EXPECT_TRUE(context_.partitions().empty());
}

TEST_F(FetchSessionsTest, EpochOtherThanTheNextIsInvalid) {
  const std::int32_t id = new_session({topic("a", 1)});
  exchange(request(id, 2));
  EXPECT_EQ(error_, ErrorCode::invalid_fetch_session_epoch);
  exchange(request(id, 1));
  EXPECT_EQ(error_, ErrorCode::none);
  exchange(request(id, 1));
  EXPECT_EQ(error_, ErrorCode::invalid_fetch_session_epoch);
  exchange(request(id, 2));
  EXPECT_EQ(error_, ErrorCode::none);
}

TEST_F(FetchSessionsTest, RequestWithoutPartitionsFetchesAllOfTheSession) {
  const std::int32_t id = new_session({topic("a", 2), topic("b", 1)});
  ASSERT_EQ(sessions_.open(request(id, 1), by_name, context_), ErrorCode::none);
  EXPECT_EQ(order(), (Names{"a-0", "a-1", "b-0"}));
}

TEST_F(FetchSessionsTest, ListedPartitionsChangeAndForgottenOnesGo) {
  const std::int32_t id = new_session({topic("a", 3)});
  FetchRequest change = request(id, 1, {topic("a", 1, 42), topic("b", 1, 7)});
  change.forgotten_topics_data.push_back({.topic = "a", .topic_id = {}, .partitions = {1, 9}});
  ASSERT_EQ(sessions_.open(change, by_name, context_), ErrorCode::none);
  EXPECT_EQ(order(), (Names{"a-0", "a-2", "b-0"}));
  EXPECT_EQ((*context_.partitions().begin()).fetch_offset, 42);
  EXPECT_EQ(sessions_.partition_count(), 3u);
}

TEST_F(FetchSessionsTest, IncrementalResponseHoldsOnlyWhatIsNew) {
  const std::int32_t id = new_session({topic("a", 1)});
  EXPECT_EQ(exchange(request(id, 1)), Names{});
  EXPECT_EQ(session_id_, id);

  FetchResponse::Partition grown = nothing_new();
  grown.high_watermark = 11;
  EXPECT_EQ(exchange(request(id, 2), by_name, grown), Names{"a-0"});
  EXPECT_EQ(exchange(request(id, 3), by_name, grown), Names{});
  grown.log_start_offset = 5;
  EXPECT_EQ(exchange(request(id, 4), by_name, grown), Names{"a-0"});
  EXPECT_EQ(exchange(request(id, 5), by_name, grown), Names{});
  grown.preferred_read_replica = 2;
  EXPECT_EQ(exchange(request(id, 6), by_name, grown), Names{"a-0"});
  EXPECT_EQ(exchange(request(id, 7), by_name, with_records()), Names{"a-0"});
  EXPECT_EQ(exchange(request(id, 8), by_name, with_records()), Names{"a-0"});
}

TEST_F(FetchSessionsTest, ErrorIsSentAgainAsLongAsItLastsAndThePartitionOnceMoreAfterIt) {
  const std::int32_t id = new_session({topic("a", 1)});
  FetchResponse::Partition failed;
  failed.error_code = ErrorCode::not_leader_or_follower;
  failed.high_watermark = -1;
  EXPECT_EQ(exchange(request(id, 1), by_name, failed), Names{"a-0"});
  EXPECT_EQ(exchange(request(id, 2), by_name, failed), Names{"a-0"});
  EXPECT_EQ(exchange(request(id, 3)), Names{"a-0"});
  EXPECT_EQ(exchange(request(id, 4)), Names{});
}

TEST_F(FetchSessionsTest, DivergingEpochIsSentAndThePartitionOnceMoreAfterIt) {
  const std::int32_t id = new_session({topic("a", 1)});
  FetchResponse::Partition diverged = nothing_new();
  diverged.diverging_epoch = {.epoch = 1, .end_offset = 4};
  EXPECT_EQ(exchange(request(id, 1), by_name, diverged), Names{"a-0"});
  EXPECT_EQ(exchange(request(id, 2)), Names{"a-0"});
  EXPECT_EQ(exchange(request(id, 3)), Names{});
}

TEST_F(FetchSessionsTest, PartitionsThatReturnedRecordsMoveToTheEnd) {
  const std::int32_t id = new_session({topic("a", 4)});
  ASSERT_EQ(sessions_.open(request(id, 1), by_name, context_), ErrorCode::none);
  for (FetchPartition& partition : context_.partitions()) {
    context_.include(partition, partition.partition % 2 == 0 ? with_records() : nothing_new());
  }
  context_.finish();
  ASSERT_EQ(sessions_.open(request(id, 2), by_name, context_), ErrorCode::none);
  EXPECT_EQ(order(), (Names{"a-1", "a-3", "a-0", "a-2"}));
  for (FetchPartition& partition : context_.partitions()) context_.include(partition, with_records());
  context_.finish();
  ASSERT_EQ(sessions_.open(request(id, 3), by_name, context_), ErrorCode::none);
  EXPECT_EQ(order(), (Names{"a-1", "a-3", "a-0", "a-2"}));
}

TEST_F(FetchSessionsTest, ChangingBetweenNamesAndIdsIsATopicIdError) {
  const std::int32_t id = new_session({topic("a", 1)});
  exchange(request(id, 1), by_id);
  EXPECT_EQ(error_, ErrorCode::fetch_session_topic_id_error);
  exchange(request(id, 1), by_name);
  EXPECT_EQ(error_, ErrorCode::none);
}

TEST_F(FetchSessionsTest, TopicsWithDifferentIdsAreDifferentPartitions) {
  base::Random random(3);
  FetchRequest::Topic first = topic("", 1);
  first.topic_id = base::Uuid::random(random);
  FetchRequest::Topic second = topic("", 1);
  second.topic_id = base::Uuid::random(random);
  exchange(request(0, 0, {first, second}), by_id);
  const std::int32_t id = session_id_;
  FetchRequest forget = request(id, 1);
  forget.forgotten_topics_data.push_back({.topic = "", .topic_id = first.topic_id, .partitions = {0}});
  ASSERT_EQ(sessions_.open(forget, by_id, context_), ErrorCode::none);
  ASSERT_EQ(context_.partitions().size(), 1u);
  EXPECT_EQ((*context_.partitions().begin()).topic_id, second.topic_id);
}

TEST_F(FetchSessionsTest, SessionLeftWithoutPartitionsIsClosed) {
  const std::int32_t id = new_session({topic("a", 1)});
  FetchRequest forget = request(id, 1);
  forget.forgotten_topics_data.push_back({.topic = "a", .topic_id = {}, .partitions = {0}});
  EXPECT_EQ(exchange(forget), Names{});
  EXPECT_EQ(error_, ErrorCode::none);
  EXPECT_EQ(session_id_, 0);
  EXPECT_EQ(sessions_.session_count(), 0u);
}

TEST_F(FetchSessionsTest, YoungSessionsAreNotEvictedAndTheNewClientGoesOnWithout) {
  for (int i = 0; i < 3; ++i) new_session({topic("a", 1)});
  EXPECT_EQ(exchange(request(0, 0, {topic("b", 50)})).size(), 50u);
  EXPECT_EQ(session_id_, 0);
  EXPECT_EQ(sessions_.session_count(), 3u);
}

TEST_F(FetchSessionsTest, SessionIdleForTwoMinutesGivesWay) {
  const std::int32_t idle = new_session({topic("a", 5)});
  const std::int32_t busy = new_session({topic("a", 5)});
  new_session({topic("a", 5)});
  clock_.advance(std::chrono::minutes(1));
  exchange(request(busy, 1));
  clock_.advance(std::chrono::seconds(61));
  EXPECT_NE(new_session({topic("b", 1)}), 0);
  EXPECT_EQ(sessions_.evicted_count(), 1u);
  exchange(request(busy, 2));
  EXPECT_EQ(error_, ErrorCode::none);
  EXPECT_EQ(sessions_.session_count(), 3u);
  // Both others were idle; one of them is left.
  EXPECT_NE(new_session({topic("b", 1)}), 0);
  exchange(request(idle, 1));
  EXPECT_EQ(error_, ErrorCode::fetch_session_id_not_found);
}

TEST_F(FetchSessionsTest, SmallestOldSessionGivesWayToALargerOneOnly) {
  const std::int32_t large = new_session({topic("a", 9)});
  const std::int32_t small = new_session({topic("a", 2)});
  const std::int32_t middle = new_session({topic("a", 5)});
  clock_.advance(std::chrono::minutes(3));
  for (const std::int32_t id : {large, small, middle}) exchange(request(id, 1));
  EXPECT_EQ(new_session({topic("b", 2)}), 0);
  EXPECT_NE(new_session({topic("b", 3)}), 0);
  exchange(request(small, 2));
  EXPECT_EQ(error_, ErrorCode::fetch_session_id_not_found);
  exchange(request(large, 2));
  EXPECT_EQ(error_, ErrorCode::none);
}

TEST_F(FetchSessionsTest, PartitionsOfAllSessionsTogetherAreBounded) {
  EXPECT_EQ(new_session({topic("a", 101)}), 0);
  const std::int32_t id = new_session({topic("a", 60)});
  EXPECT_EQ(new_session({topic("b", 41)}), 0);
  EXPECT_NE(new_session({topic("b", 30)}), 0);
  exchange(request(id, 1, {topic("c", 20)}));
  EXPECT_EQ(error_, ErrorCode::fetch_session_id_not_found);
  EXPECT_EQ(sessions_.partition_count(), 30u);
}

TEST_F(FetchSessionsTest, PartitionListedTwiceIsFetchedOnceAsListedLast) {
  const std::int32_t id = new_session({topic("a", 1, 1), topic("a", 1, 2)});
  ASSERT_EQ(sessions_.open(request(id, 1), by_name, context_), ErrorCode::none);
  ASSERT_EQ(context_.partitions().size(), 1u);
  EXPECT_EQ((*context_.partitions().begin()).fetch_offset, 2);
}

TEST_F(FetchSessionsTest, SecondRequestWhileTheFirstWaitsIsInvalidAndHarmless) {
  const std::int32_t id = new_session({topic("a", 1)});
  FetchContext waiting;
  ASSERT_EQ(sessions_.open(request(id, 1), by_name, waiting), ErrorCode::none);
  exchange(request(id, 2));
  EXPECT_EQ(error_, ErrorCode::invalid_fetch_session_epoch);
  EXPECT_EQ(waiting.finish(), id);
  exchange(request(id, 2));
  EXPECT_EQ(error_, ErrorCode::none);
}

TEST_F(FetchSessionsTest, ContextThatIsDroppedLeavesTheSessionUsable) {
  const std::int32_t id = new_session({topic("a", 1)});
  {
    FetchContext dropped;
    ASSERT_EQ(sessions_.open(request(id, 1), by_name, dropped), ErrorCode::none);
    const FetchContext moved = std::move(dropped);
  }
  exchange(request(id, 2));
  EXPECT_EQ(error_, ErrorCode::none);
}

TEST_F(FetchSessionsTest, SessionClosedWhileItsFetchWaitsIsStillAnswered) {
  const std::int32_t id = new_session({topic("a", 2)});
  FetchContext waiting;
  ASSERT_EQ(sessions_.open(request(id, 1), by_name, waiting), ErrorCode::none);
  exchange(request(id, -1));
  EXPECT_EQ(waiting.partitions().size(), 2u);
  EXPECT_EQ(waiting.finish(), id);
  EXPECT_EQ(sessions_.session_count(), 0u);
}

TEST_F(FetchSessionsTest, RandomChangesKeepTheOrderedListAndTheIndexInStep) {
  base::Random random(11);
  const std::int32_t id = new_session({topic("a", 1)});
  Names expected{"a-0"};
  for (std::int32_t epoch = 1; epoch < 500; ++epoch) {
    FetchRequest change = request(id, epoch);
    const auto index = static_cast<std::int32_t>(1 + random.below(20));
    const std::string name = "a-" + std::to_string(index);
    if (random.one_in(2)) {
      change.topics.push_back({.topic = "a", .topic_id = {}, .partitions = {{}}});
      change.topics[0].partitions[0].partition = index;
      if (std::ranges::find(expected, name) == expected.end()) expected.push_back(name);
    } else {
      change.forgotten_topics_data.push_back({.topic = "a", .topic_id = {}, .partitions = {index}});
      std::erase(expected, name);
    }
    ASSERT_EQ(sessions_.open(change, by_name, context_), ErrorCode::none);
    ASSERT_EQ(order(), expected);
    Names moved;
    for (FetchPartition& partition : context_.partitions()) {
      const bool records = random.one_in(3);
      context_.include(partition, records ? with_records() : nothing_new());
      if (records) moved.push_back(name_of(partition));
    }
    for (const std::string& each : moved) std::erase(expected, each);
    expected.insert(expected.end(), moved.begin(), moved.end());
    context_.finish();
  }
}

}  // namespace
}  // namespace cms::broker
