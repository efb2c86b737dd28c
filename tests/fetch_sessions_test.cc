// SPDX-License-Identifier: Apache-2.0
// Fetch sessions (KIP-227): the broker remembers what a client fetches.
#include "tests/broker_test.h"

namespace cms::tests {
namespace {

using protocol::FetchRequest;
using protocol::FetchResponse;

class FetchSessionTest : public BrokerTest {
 protected:
  void SetUp() override { create_topic(wire_, topic(), 3); }

  // All three partitions from `from` on.
  FetchRequest all(Offset from = 0) {
    FetchRequest request = fetch_request(topic(), from);
    add_to(request, topic(), 1, from);
    add_to(request, topic(), 2, from);
    return request;
  }

  FetchResponse ask(FetchRequest request, std::int32_t id, std::int32_t epoch, Version version = named_fetch) {
    request.session_id = id;
    request.session_epoch = epoch;
    return wire_.call(request, version);
  }

  FetchRequest unchanged() {
    FetchRequest request = fetch_request(topic(), 0);
    request.topics.clear();
    return request;
  }

  // A session over all three partitions, which has told all it has.
  std::int32_t begin() {
    const FetchResponse first = ask(all(), 0, 0);
    EXPECT_EQ(first.error_code, ErrorCode::none);
    EXPECT_NE(first.session_id, 0);
    return first.session_id;
  }
};

constexpr std::int32_t long_wait_ms = 600'000;

std::vector<std::int32_t> partitions_in(const FetchResponse& response) {
  std::vector<std::int32_t> indexes;
  for (const auto& topic : response.responses) {
    for (const auto& partition : topic.partitions) indexes.push_back(partition.partition_index);
  }
  return indexes;
}

TEST_F(FetchSessionTest, FullFetchWithoutSessionHasSessionZeroAndClosesTheOneItNames) {
  EXPECT_EQ(ask(all(), 0, -1).session_id, 0);
  const std::int32_t id = begin();
  const FetchResponse closing = ask(all(), id, -1);
  EXPECT_EQ(closing.error_code, ErrorCode::none);
  EXPECT_EQ(closing.session_id, 0);
  EXPECT_EQ(partitions_in(closing).size(), 3u);
  EXPECT_EQ(ask(unchanged(), id, 1).error_code, ErrorCode::fetch_session_id_not_found);
}

TEST_F(FetchSessionTest, EpochZeroMakesASessionAndClosesTheOneItNames) {
  const std::int32_t first = begin();
  const FetchResponse again = ask(all(), first, 0);
  EXPECT_NE(again.session_id, 0);
  EXPECT_NE(again.session_id, first);
  EXPECT_EQ(partitions_in(again).size(), 3u);
  EXPECT_EQ(ask(unchanged(), first, 1).error_code, ErrorCode::fetch_session_id_not_found);
  EXPECT_EQ(ask(unchanged(), again.session_id, 1).error_code, ErrorCode::none);
}

TEST_F(FetchSessionTest, EpochRisesByOneWithEachRequest) {
  const std::int32_t id = begin();
  EXPECT_EQ(ask(unchanged(), id, 1).session_id, id);
  EXPECT_EQ(ask(unchanged(), id, 1).error_code, ErrorCode::invalid_fetch_session_epoch);
  EXPECT_EQ(ask(unchanged(), id, 3).error_code, ErrorCode::invalid_fetch_session_epoch);
  EXPECT_EQ(ask(unchanged(), id, 2).error_code, ErrorCode::none);
  EXPECT_EQ(ask(unchanged(), id + 1, 1).error_code, ErrorCode::fetch_session_id_not_found);
}

TEST_F(FetchSessionTest, RequestsListWhatChangesAndWhatIsForgotten) {
  const std::int32_t id = begin();
  append(wire_, topic(), batch_of("0"), 0);
  append(wire_, topic(), batch_of("1"), 1);
  FetchRequest forget = unchanged();
  forget.forgotten_topics_data.push_back({.topic = topic(), .topic_id = {}, .partitions = {1}});
  EXPECT_EQ(partitions_in(ask(forget, id, 1)), std::vector{0});
  FetchRequest move = fetch_request(topic(), 1);  // partition 0, past what was read
  EXPECT_TRUE(partitions_in(ask(move, id, 2)).empty());
  FetchRequest add = unchanged();
  add_to(add, topic(), 1, 0);
  EXPECT_EQ(partitions_in(ask(add, id, 3)), std::vector{1});
}

TEST_F(FetchSessionTest, AnswersHoldOnlyWhatHasNews) {
  const std::int32_t id = begin();
  EXPECT_TRUE(partitions_in(ask(unchanged(), id, 1)).empty());
  append(wire_, topic(), batch_of("news"), 2);
  EXPECT_EQ(partitions_in(ask(unchanged(), id, 2)), std::vector{2});
  FetchRequest move = fetch_request(topic(), 1, {}, 2);
  EXPECT_TRUE(partitions_in(ask(move, id, 3)).empty());
  append(wire_, topic(), batch_of("more"), 2);
  delete_records(wire_, topic(), 0);
  EXPECT_EQ(partitions_in(ask(unchanged(), id, 4)), std::vector{2});
}

TEST_F(FetchSessionTest, ChangedLogStartIsNews) {
  append(wire_, topic(), batch_of("x"), 0);
  const std::int32_t id = ask(all(0), 0, 0).session_id;
  FetchRequest move = fetch_request(topic(), 1);
  ask(move, id, 1);
  EXPECT_TRUE(partitions_in(ask(unchanged(), id, 2)).empty());
  EXPECT_EQ(delete_records(wire_, topic(), 1).error_code, ErrorCode::none);
  EXPECT_EQ(partitions_in(ask(unchanged(), id, 3)), std::vector{0});
  EXPECT_TRUE(partitions_in(ask(unchanged(), id, 4)).empty());
}

TEST_F(FetchSessionTest, ErrorIsToldAsLongAsItLastsAndOnceMoreWhenItHasGone) {
  const std::int32_t id = begin();
  FetchRequest beyond = fetch_request(topic(), 5, {}, 1);
  for (std::int32_t epoch = 1; epoch <= 2; ++epoch) {
    const FetchResponse response = ask(epoch == 1 ? beyond : unchanged(), id, epoch);
    ASSERT_EQ(partitions_in(response), std::vector{1});
    EXPECT_EQ(response.responses[0].partitions[0].error_code, ErrorCode::offset_out_of_range);
  }
  const FetchResponse gone = ask(fetch_request(topic(), 0, {}, 1), id, 3);
  ASSERT_EQ(partitions_in(gone), std::vector{1});
  EXPECT_EQ(gone.responses[0].partitions[0].error_code, ErrorCode::none);
  EXPECT_TRUE(partitions_in(ask(unchanged(), id, 4)).empty());
}

TEST_F(FetchSessionTest, PartitionsTakeTurnsUnderTheByteLimit) {
  const Batch batch = batch_of(std::string(1000, 'x'));
  for (std::int32_t partition = 0; partition < 3; ++partition) {
    for (int i = 0; i < 3; ++i) append(wire_, topic(), batch, partition);
  }
  FetchRequest request = all();
  request.max_bytes = 1;  // one batch in each answer
  std::vector<std::int32_t> served;
  std::int32_t id = 0;
  for (std::int32_t epoch = 0; epoch < 6; ++epoch) {
    FetchRequest next = epoch == 0 ? request : unchanged();
    next.max_bytes = 1;
    const FetchResponse response = ask(next, id, epoch);
    id = response.session_id;
    for (const auto& partition : response.responses.at(0).partitions) {
      if (partition.records.size() > 0) served.push_back(partition.partition_index);
    }
  }
  EXPECT_EQ(served, (std::vector{0, 1, 2, 0, 1, 2}));
}

// A session whose partitions have all told that they have nothing, and a fetch of it that waits.
class WaitingSessionTest : public FetchSessionTest {
 protected:
  Wire waiting(std::int32_t id, std::int32_t min_bytes = 1) {
    EXPECT_TRUE(partitions_in(ask(unchanged(), id, 1)).empty());
    Wire wire = connect();
    FetchRequest request = unchanged();
    request.session_id = id;
    request.session_epoch = 2;
    request.max_wait_ms = long_wait_ms;
    request.min_bytes = min_bytes;
    wire.send(request, named_fetch);
    EXPECT_TRUE(wire.is_quiet(milliseconds(20)));
    return wire;
  }
};

TEST_F(WaitingSessionTest, AnyPartitionsRecordAnswersIt) {
  Wire wire = waiting(begin());
  append(wire_, topic(), batch_of("wakes"), 2);
  EXPECT_EQ(partitions_in(wire.receive<FetchResponse>()), std::vector{2});
}

TEST_F(WaitingSessionTest, MinBytesMayComeFromSeveralPartitions) {
  const Batch batch = batch_of(std::string(100, 'x'));
  Wire wire = waiting(begin(), static_cast<std::int32_t>(batch.size()) * 3);
  append(wire_, topic(), batch, 0);
  append(wire_, topic(), batch, 0);
  EXPECT_TRUE(wire.is_quiet(milliseconds(20)));
  append(wire_, topic(), batch, 1);
  const FetchResponse response = wire.receive<FetchResponse>();
  ASSERT_EQ(partitions_in(response), (std::vector{0, 1}));
  EXPECT_EQ(response.responses[0].partitions[0].records.size(), batch.size() * 2);
}

TEST_F(WaitingSessionTest, WhatItGotBeforeItsConnectionEndedIsThereForTheNext) {
  const std::int32_t id = begin();
  {
    Wire wire = waiting(id, 1'000'000);
    append(wire_, topic(), batch_of("less than enough"), 1);
  }
  // The broker sees the end of the connection when it does: until then the session is taken.
  FetchResponse response;
  for (int tries = 0; tries < 1'000; ++tries) {
    response = ask(unchanged(), id, 3);
    if (response.error_code != ErrorCode::invalid_fetch_session_epoch) break;
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_EQ(partitions_in(response), std::vector{1});
}

TEST_F(WaitingSessionTest, DeletedTopicAnswersIt) {
  Wire wire = waiting(begin());
  EXPECT_EQ(delete_topic(wire_, topic()), ErrorCode::none);
  const FetchResponse response = wire.receive<FetchResponse>();
  ASSERT_FALSE(partitions_in(response).empty());
  EXPECT_EQ(response.responses[0].partitions[0].error_code, ErrorCode::unknown_topic_or_partition);
}

TEST_F(WaitingSessionTest, ForgottenPartitionsAnswerNothing) {
  const std::int32_t id = begin();
  EXPECT_TRUE(partitions_in(ask(unchanged(), id, 1)).empty());
  FetchRequest forget = unchanged();
  forget.forgotten_topics_data.push_back({.topic = topic(), .topic_id = {}, .partitions = {1}});
  append(wire_, topic(), batch_of("told before it is forgotten"), 1);
  EXPECT_TRUE(partitions_in(ask(forget, id, 2)).empty());
  append(wire_, topic(), batch_of("and after"), 1);
  EXPECT_TRUE(partitions_in(ask(unchanged(), id, 3)).empty());
  append(wire_, topic(), batch_of("another's"), 0);
  EXPECT_EQ(partitions_in(ask(unchanged(), id, 4)), std::vector{0});
}

TEST_F(WaitingSessionTest, RecordsAreToldUntilTheClientHasMovedOn) {
  const std::int32_t id = begin();
  EXPECT_TRUE(partitions_in(ask(unchanged(), id, 1)).empty());
  append(wire_, topic(), batch_of("again and again"), 1);
  for (std::int32_t epoch = 2; epoch < 5; ++epoch)
    EXPECT_EQ(partitions_in(ask(unchanged(), id, epoch)), std::vector{1});
  EXPECT_TRUE(partitions_in(ask(fetch_request(topic(), 1, {}, 1), id, 5)).empty());
  EXPECT_EQ(partitions_in(ask(fetch_request(topic(), 0, {}, 1), id, 6)), std::vector{1});  // back to the beginning
}

TEST_F(WaitingSessionTest, AnotherLogInAPartitionsPlaceIsSeen) {
  const std::int32_t id = begin();
  EXPECT_TRUE(partitions_in(ask(unchanged(), id, 1)).empty());
  set_config(wire_, topic(), "cms.durability", "volatile");
  append(wire_, topic(), batch_of("of the new log"), 1);
  EXPECT_EQ(partitions_in(ask(unchanged(), id, 2)), std::vector{1});
}

TEST_F(FetchSessionTest, ChangeBetweenNamesAndIdsIsAnError) {
  const std::int32_t id = begin();
  EXPECT_EQ(ask(unchanged(), id, 1, 13).error_code, ErrorCode::fetch_session_topic_id_error);
}

TEST_F(FetchSessionTest, SessionLeftWithoutPartitionsIsClosed) {
  const std::int32_t id = begin();
  FetchRequest forget = unchanged();
  forget.forgotten_topics_data.push_back({.topic = topic(), .topic_id = {}, .partitions = {0, 1, 2}});
  const FetchResponse last = ask(forget, id, 1);
  EXPECT_EQ(last.error_code, ErrorCode::none);
  EXPECT_EQ(last.session_id, 0);
  EXPECT_EQ(ask(unchanged(), id, 2).error_code, ErrorCode::fetch_session_id_not_found);
}

TEST(FetchSessionSlotsTest, SessionsAreBoundedAndClientsAboveTheBoundGoOnWithoutOne) {
  BrokerProcess broker({.settings = {"max.incremental.fetch.session.cache.slots=3"}});
  Wire wire(broker.port());
  create_topic(wire, "t");
  FetchRequest request = fetch_request("t", 0);
  request.session_epoch = 0;
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 5; ++i) {
    const FetchResponse response = wire.call(request, named_fetch);
    EXPECT_EQ(response.error_code, ErrorCode::none);
    EXPECT_EQ(partitions_in(response).size(), 1u);
    ids.push_back(response.session_id);
  }
  EXPECT_EQ(std::ranges::count(ids, 0), 2);
  EXPECT_EQ(ids[3], 0);  // those that work are not driven out by new ones
}

}  // namespace
}  // namespace cms::tests
