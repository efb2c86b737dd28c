// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/metadata.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "broker/handlers/test_broker.h"

namespace cms::broker {
namespace {

using protocol::MetadataRequest;
using protocol::MetadataResponse;

constexpr protocol::Version newest = MetadataRequest::versions.last;

MetadataRequest named(std::vector<std::string> names) {
  MetadataRequest request;
  request.topics.emplace();
  for (std::string& name : names) request.topics->push_back({.topic_id = {}, .name = std::move(name)});
  return request;
}

MetadataRequest with_ids(const std::vector<base::Uuid>& ids) {
  MetadataRequest request;
  request.topics.emplace();
  for (const base::Uuid& id : ids) request.topics->push_back({.topic_id = id, .name = std::nullopt});
  return request;
}

class MetadataRequestTest : public ::testing::Test {
 protected:
  MetadataResponse ask(const MetadataRequest& request, protocol::Version version = newest) {
    return broker_.answer<MetadataResponse>(version, [&](const RequestContext& context, MetadataResponse& response) {
      metadata(broker_.topics(), broker_.metadata(), broker_.options, context, request, response);
    });
  }

  test::TestBroker broker_;
  base::Random random_{7};
};

TEST_F(MetadataRequestTest, NullListMeansAllTopicsAndEmptyListNone) {
  broker_.create("b");
  broker_.create("a");
  const MetadataResponse all = ask({});
  ASSERT_EQ(all.topics.size(), 2u);
  EXPECT_EQ(all.topics[0].name, "a");
  EXPECT_EQ(all.topics[1].name, "b");
  const MetadataResponse none = ask(named({}));
  EXPECT_TRUE(none.topics.empty());
  EXPECT_EQ(none.brokers.size(), 1u);
}

TEST_F(MetadataRequestTest, EmptyListOfVersionZeroMeansAllTopics) {
  broker_.create("a");
  EXPECT_EQ(ask(named({}), 0).topics.size(), 1u);
  EXPECT_EQ(ask(named({}), 1).topics.size(), 0u);
}

TEST_F(MetadataRequestTest, UnknownTopicFailsAloneWhereCreationIsOff) {
  broker_.options.auto_create_topics = false;
  broker_.create("known");
  EXPECT_FALSE(needs_creation(broker_.topics(), broker_.options, named({"unknown"})));
  const MetadataResponse response = ask(named({"unknown", "known"}));
  ASSERT_EQ(response.topics.size(), 2u);
  EXPECT_EQ(response.topics[0].error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_TRUE(response.topics[0].partitions.empty());
  EXPECT_EQ(response.topics[1].error_code, ErrorCode::none);
  EXPECT_EQ(broker_.topics().find("unknown"), nullptr);
}

TEST_F(MetadataRequestTest, UnknownTopicIsMadeWithTheDefaultPartitionCount) {
  broker_.options.num_partitions = 3;
  const MetadataRequest request = named({"fresh"});
  EXPECT_TRUE(needs_creation(broker_.topics(), broker_.options, request));
  const MetadataResponse response = ask(request, 1);
  ASSERT_EQ(response.topics.size(), 1u);
  EXPECT_EQ(response.topics[0].error_code, ErrorCode::none);
  EXPECT_EQ(response.topics[0].partitions.size(), 3u);
  EXPECT_FALSE(needs_creation(broker_.topics(), broker_.options, request));
}

TEST_F(MetadataRequestTest, RequestThatForbidsCreationMakesNothing) {
  MetadataRequest request = named({"fresh"});
  request.allow_auto_topic_creation = false;
  EXPECT_FALSE(needs_creation(broker_.topics(), broker_.options, request));
  EXPECT_EQ(ask(request).topics[0].error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(broker_.topics().find("fresh"), nullptr);
}

TEST_F(MetadataRequestTest, InternalTopicsAreNotMadeByAsking) {
  const MetadataRequest request = named({"__consumer_offsets"});
  EXPECT_FALSE(needs_creation(broker_.topics(), broker_.options, request));
  const MetadataResponse response = ask(request);
  EXPECT_EQ(response.topics[0].error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_TRUE(response.topics[0].is_internal);
}

TEST_F(MetadataRequestTest, IllegalAndCollidingNamesAreInvalid) {
  broker_.create("a_b");
  const MetadataResponse response = ask(named({"bad name", "..", std::string(250, 'x'), "", "a.b"}));
  ASSERT_EQ(response.topics.size(), 5u);
  for (const auto& topic : response.topics) {
    EXPECT_EQ(topic.error_code, ErrorCode::invalid_topic_exception) << *topic.name;
  }
  EXPECT_EQ(broker_.topics().all().size(), 1u);
}

TEST_F(MetadataRequestTest, InternalTopicsAreMarked) {
  broker_.create("__consumer_offsets");
  broker_.create("orders");
  const MetadataResponse response = ask({});
  EXPECT_TRUE(response.topics[0].is_internal);
  EXPECT_FALSE(response.topics[1].is_internal);
}

TEST_F(MetadataRequestTest, PartitionListIsCompleteWithLeaderAndReplicas) {
  broker_.create("t", 5);
  const MetadataResponse response = ask(named({"t"}));
  ASSERT_EQ(response.topics[0].partitions.size(), 5u);
  for (std::int32_t index = 0; index < 5; ++index) {
    const auto& partition = response.topics[0].partitions[static_cast<std::size_t>(index)];
    EXPECT_EQ(partition.partition_index, index);
    EXPECT_EQ(partition.leader_id, broker_.options.node_id);
    EXPECT_EQ(partition.replica_nodes, std::vector{broker_.options.node_id});
    EXPECT_EQ(partition.isr_nodes, std::vector{broker_.options.node_id});
    EXPECT_TRUE(partition.offline_replicas.empty());
  }
}

TEST_F(MetadataRequestTest, LeaderEpochRisesWithEveryRestart) {
  broker_.create("t");
  const auto epoch = [&] { return ask(named({"t"})).topics[0].partitions[0].leader_epoch; };
  const std::int32_t first = epoch();
  EXPECT_GE(first, 0);
  broker_.restart();
  EXPECT_EQ(epoch(), first + 1);
  broker_.restart();
  EXPECT_EQ(epoch(), first + 2);
}

TEST_F(MetadataRequestTest, ClusterIdIsStableAndTheControllerIsThisBroker) {
  const MetadataResponse before = ask({});
  ASSERT_TRUE(before.cluster_id);
  EXPECT_EQ(before.cluster_id->size(), 22u);
  EXPECT_EQ(before.controller_id, before.brokers[0].node_id);
  broker_.restart();
  EXPECT_EQ(ask({}).cluster_id, before.cluster_id);
}

TEST_F(MetadataRequestTest, BrokerHasTheAdvertisedAddressOfTheRequestsListenerAndItsRack) {
  const MetadataResponse response = ask({});
  ASSERT_EQ(response.brokers.size(), 1u);
  EXPECT_EQ(response.brokers[0].host, "broker.example");
  EXPECT_EQ(response.brokers[0].port, 19092);
  EXPECT_EQ(response.brokers[0].rack, std::nullopt);
  broker_.options.rack = "r1";
  EXPECT_EQ(ask({}).brokers[0].rack, "r1");
}

TEST_F(MetadataRequestTest, TopicIdsAreNotZeroLastForLifeAndFindTheirTopic) {
  const base::Uuid id = broker_.create("t")->id();
  EXPECT_FALSE(id.is_zero());
  broker_.restart();
  const MetadataResponse response = ask(with_ids({id}), 12);
  ASSERT_EQ(response.topics.size(), 1u);
  EXPECT_EQ(response.topics[0].name, "t");
  EXPECT_EQ(response.topics[0].topic_id, id);
}

TEST_F(MetadataRequestTest, TopicMadeAgainHasANewId) {
  const base::Uuid id = broker_.create("t")->id();
  broker_.topics().remove(id);
  EXPECT_NE(broker_.create("t")->id(), id);
}

TEST_F(MetadataRequestTest, UnknownIdIsUnknownTopicIdWithoutName) {
  const base::Uuid id = base::Uuid::random(random_);
  const MetadataResponse response = ask(with_ids({id}));
  EXPECT_EQ(response.topics[0].error_code, ErrorCode::unknown_topic_id);
  EXPECT_EQ(response.topics[0].topic_id, id);
  EXPECT_EQ(response.topics[0].name, std::nullopt);
}

TEST_F(MetadataRequestTest, IdsBeforeVersionTwelveAreRejectedAsAWhole) {
  const base::Uuid id = broker_.create("t")->id();
  for (const protocol::Version version : {10, 11}) {
    const MetadataResponse response = ask(with_ids({id}), version);
    EXPECT_EQ(response.topics[0].error_code, ErrorCode::invalid_request);
    EXPECT_EQ(response.topics[0].name, "");
    EXPECT_TRUE(response.brokers.empty());
    EXPECT_EQ(response.controller_id, -1);
  }
  EXPECT_EQ(ask(with_ids({base::Uuid{}})).topics[0].error_code, ErrorCode::invalid_request);
}

TEST_F(MetadataRequestTest, AuthorizedOperationsAreToldOnlyWhenAskedFor) {
  broker_.create("t");
  MetadataRequest request = named({"t"});
  EXPECT_EQ(ask(request).topics[0].topic_authorized_operations, protocol::authorized_operations_omitted);
  EXPECT_EQ(ask(request, 8).cluster_authorized_operations, protocol::authorized_operations_omitted);
  request.include_topic_authorized_operations = true;
  request.include_cluster_authorized_operations = true;
  EXPECT_EQ(ask(request).topics[0].topic_authorized_operations, 3576);
  EXPECT_EQ(ask(request, 8).cluster_authorized_operations, 8096);
}

TEST_F(MetadataRequestTest, TopicListedTwiceIsAnsweredOnce) {
  const base::Uuid id = broker_.create("t")->id();
  EXPECT_EQ(ask(named({"t", "t", "t"})).topics.size(), 1u);
  EXPECT_EQ(ask(with_ids({id, id})).topics.size(), 1u);
}

TEST_F(MetadataRequestTest, DeletedTopicIsUnknownAtOnce) {
  broker_.options.auto_create_topics = false;
  const base::Uuid id = broker_.create("t")->id();
  broker_.topics().remove(id);
  EXPECT_EQ(ask(named({"t"})).topics[0].error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(ask(with_ids({id})).topics[0].error_code, ErrorCode::unknown_topic_id);
  EXPECT_TRUE(ask({}).topics.empty());
}

TEST_F(MetadataRequestTest, PartitionThatCannotBeOpenedIsListedWithoutALeader) {
  broker_.create("t", 2);
  broker_.logs.damaged = 1;
  broker_.restart();
  const auto partitions = ask(named({"t"})).topics.at(0).partitions;
  ASSERT_EQ(partitions.size(), 2u);
  EXPECT_EQ(partitions[0].error_code, ErrorCode::none);
  EXPECT_TRUE(partitions[0].offline_replicas.empty());
  EXPECT_EQ(partitions[1].error_code, ErrorCode::leader_not_available);
  EXPECT_EQ(partitions[1].leader_id, no_leader);
  EXPECT_EQ(partitions[1].replica_nodes, partitions[0].replica_nodes);
  EXPECT_EQ(partitions[1].offline_replicas, partitions[0].replica_nodes);
  EXPECT_EQ(broker_.topics().ailing().offline, 1u);
  EXPECT_EQ(broker_.topics().remove(broker_.topics().find("t")->id()).error, ErrorCode::none);
  EXPECT_EQ(broker_.topics().ailing().offline, 0u);
}

}  // namespace
}  // namespace cms::broker
