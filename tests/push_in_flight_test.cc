// SPDX-License-Identifier: Apache-2.0
// What is on its way when something happens to it: a seek, a topic that is made or deleted, a put that is refused among
// others that are not.
#include <algorithm>

#include "tests/metrics.h"
#include "tests/push_test.h"

namespace cms::tests {
namespace {

using protocol::StartAt;

using Values = std::vector<std::string>;

class PushInFlightTest : public PushTest {
 protected:
  static ErrorCode seek(PushClient& client, StartAt start, std::int64_t value = 0) {
    protocol::SeekRequest request;
    request.subscription = 1;
    request.start = start;
    request.start_value = value;
    return client.wire().call(request).error_code;
  }
};

TEST_P(PushInFlightTest, ASeekTellsWhichStreamsAreFromBefore) {
  create_topic(wire_, topic(), 3);
  PushClient client = open();
  ASSERT_EQ(client.subscribe(topic(), StartAt::earliest).streams, 3);
  const auto answer = client.wire().call(protocol::SeekRequest{.subscription = 1, .streams = {}, .start_value = 1});
  ASSERT_EQ(answer.error_code, ErrorCode::none);
  EXPECT_EQ(answer.first_stream, 4) << "1 to 3 are from before";
  append(wire_, topic(), batch_holding({"0", "1"}), 2);
  ASSERT_TRUE(client.await_values(topic(), {"1"}, 2));
  EXPECT_GE(client.find(topic(), 2)->number, 4u);
  EXPECT_EQ(client.wrong, Values{});
}

// On two cores: a topic may be looked for before the subscriber's core has heard of it.
TEST_P(PushInFlightTest, ATopicThatWasMadeBeforeASeekBeginsWhereTheSeekSays) {
  PushClient client = open();
  client.subscribe(topic() + ".", StartAt::earliest, 0, protocol::TopicMatch::prefix);
  for (int i = 0; i < 30; ++i) {
    const std::string name = topic() + "." + std::to_string(i);
    create_topic(wire_, name, 1, {{"cms.durability", "volatile"}});
    append(wire_, name, batch_of("before"));
    ASSERT_EQ(seek(client, StartAt::live), ErrorCode::none);
    append(wire_, name, batch_of("after"));
    const auto has_it = [&] {
      const PushClient::Stream* const stream = client.find(name);
      return stream != nullptr && !stream->closed && !stream->records.empty() &&
             stream->records.back().value == "after";
    };
    ASSERT_TRUE(client.await(has_it)) << i;
    EXPECT_EQ(client.values(name), Values{"after"}) << i;
  }
  EXPECT_EQ(client.wrong, Values{});
}

TEST_P(PushInFlightTest, AnswersToOnePartitionKeepTheirOrderWhateverBecomesOfThePuts) {
  create_topic(wire_, topic(), 1, {{"max.message.bytes", "200000"}});
  PushClient client = open({.ring_bytes = 65'536});
  client.publish_to(1, topic());
  const Batch too_large = batch_of(std::string(300'000, 'l'));  // in pieces
  Batch damaged = batch_of("damaged");
  damaged.back() ^= std::byte{1};
  std::vector<std::uint64_t> to_the_partition;
  for (int round = 0; round < 10; ++round) {
    for (const Batch& batch : {batch_of("small"), too_large, batch_of("small"), damaged}) {
      to_the_partition.push_back(client.put(1, batch));
    }
    client.put(1, batch_of("nowhere"), 17);
  }
  ASSERT_TRUE(client.await([&] { return client.results.size() == 50; }));
  std::vector<std::uint64_t> answered;
  std::size_t nowhere = 0;
  for (const auto& result : client.results) {
    if (result.error == static_cast<std::int16_t>(ErrorCode::unknown_topic_or_partition)) {
      ++nowhere;  // of no partition, and so in no order with the others
    } else {
      answered.push_back(result.put_id);
    }
  }
  EXPECT_EQ(answered, to_the_partition);
  EXPECT_EQ(nowhere, 10u);
}

TEST_P(PushInFlightTest, EveryPutToATopicThatIsDeletedMeanwhileIsAnswered) {
  create_topic(wire_, topic());
  PushClient client = open();
  client.publish_to(1, topic());
  client.publish_to(2, topic() + ".other");
  for (int i = 0; i < 100; ++i) client.put(1, batch_of("early"));
  wire_.send(protocol::DeleteTopicsRequest{
      .topics = {{.name = topic(), .topic_id = {}}}, .topic_names = {}, .timeout_ms = 10'000});
  for (int i = 0; i < 100; ++i) client.put(1, batch_of("late"));
  const std::uint64_t other = client.put(2, batch_of("value"));
  EXPECT_EQ(wire_.receive<protocol::DeleteTopicsResponse>().responses.at(0).error_code, ErrorCode::none);
  ASSERT_TRUE(client.await([&] { return client.results.size() == 201; })) << client.results.size();
  EXPECT_TRUE(client.await_result(other));
  for (const auto& result : client.results) {
    const auto error = static_cast<ErrorCode>(result.error);
    EXPECT_TRUE(error == ErrorCode::none || error == ErrorCode::unknown_topic_id ||
                error == ErrorCode::unknown_topic_or_partition)
        << result.error;
  }
}

// Large batches that a small ring takes in pieces, some of them read from files: the deletion meets one half sent.
TEST_P(PushInFlightTest, ATopicThatIsDeletedWhileItIsDeliveredEndsItsStreamAndNothingElse) {
  constexpr int batches = 40;
  create_topic(wire_, topic(), 1, {{"max.message.bytes", "1000000"}});
  create_topic(wire_, topic() + ".other");
  for (int i = 0; i < batches; ++i) append(wire_, topic(), batch_of(std::to_string(i) + std::string(300'000, 'd')));
  PushClient client = open({.ring_bytes = 65'536, .receive_window = 4096});
  client.subscribe(topic(), StartAt::earliest);
  protocol::SubscribeRequest second;
  second.subscription = 2;
  second.topics = topic() + ".other";
  client.subscribe(second);
  ASSERT_TRUE(client.await([&] { return client.find(topic()) != nullptr && client.find(topic())->bytes > 0; }));
  ASSERT_EQ(delete_topic(wire_, topic()), ErrorCode::none);
  ASSERT_TRUE(client.await([&] { return client.find(topic())->closed.has_value(); }));
  const PushClient::Stream& stream = *client.find(topic());
  EXPECT_EQ(stream.closed, ErrorCode::unknown_topic_or_partition);
  EXPECT_LT(stream.records.size(), static_cast<std::size_t>(batches));
  for (std::size_t i = 0; i < stream.records.size(); ++i) EXPECT_EQ(stream.records[i].offset, static_cast<Offset>(i));
  append(wire_, topic() + ".other", batch_of("value"));
  EXPECT_TRUE(client.await_values(topic() + ".other", {"value"}));
  EXPECT_EQ(client.wrong, Values{});
}

INSTANTIATE_TEST_SUITE_P(Kinds, PushInFlightTest, ::testing::Values(ChannelKind::tcp, ChannelKind::shared_memory),
                         kind_name);

}  // namespace
}  // namespace cms::tests
