// SPDX-License-Identifier: Apache-2.0
// What clients are told of brokers and topics, and how topics come and go.
#include <algorithm>
#include <set>
#include <thread>

#include "tests/broker_test.h"

namespace cms::tests {
namespace {

using protocol::CreateTopicsRequest;
using protocol::MetadataRequest;
using protocol::MetadataResponse;

class MetadataTest : public BrokerTest {};

std::vector<std::string> names_in(const MetadataResponse& response) {
  std::vector<std::string> names;
  for (const auto& topic : response.topics) names.push_back(topic.name.value_or("(null)"));
  return names;
}

MetadataRequest about_id(const base::Uuid& id) {
  MetadataRequest request;
  request.topics.emplace();
  request.topics->push_back({.topic_id = id, .name = std::nullopt});
  return request;
}

TEST_F(MetadataTest, NullListMeansAllTopicsAnEmptyOneNoneAndInVersionZeroAll) {
  create_topic(wire_, topic());
  MetadataRequest all;
  const std::vector<std::string> names = names_in(wire_.call(all));
  EXPECT_NE(std::ranges::find(names, topic()), names.end());
  const auto none = wire_.call(about({}), 1);
  EXPECT_TRUE(none.topics.empty());
  EXPECT_EQ(none.brokers.size(), 1u);
  EXPECT_EQ(names_in(wire_.call(about({}), 0)), names);
}

TEST_F(MetadataTest, UnknownTopicFailsAlone) {
  create_topic(wire_, topic());
  const auto response = wire_.call(about({"unknown", topic()}));
  ASSERT_EQ(response.topics.size(), 2u);
  EXPECT_EQ(response.topics[0].error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_TRUE(response.topics[0].partitions.empty());
  EXPECT_EQ(response.topics[1].error_code, ErrorCode::none);
  EXPECT_EQ(response.topics[1].partitions.size(), 1u);
}

TEST_F(MetadataTest, OnlyMetadataCreatesTopicsAndOnlyWhereBothSidesAllowIt) {
  const Batch batch = batch_of("x");
  EXPECT_EQ(produce(wire_, topic(), batch).error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(fetch(wire_, topic(), 0).error, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(metadata_of(wire_, topic()).error_code, ErrorCode::unknown_topic_or_partition);
  const auto made = wire_.call(about({topic()}, true)).topics.at(0);
  EXPECT_TRUE(made.error_code == ErrorCode::none || made.error_code == ErrorCode::leader_not_available ||
              made.error_code == ErrorCode::unknown_topic_or_partition)
      << protocol::name_of(made.error_code);
  EXPECT_EQ(metadata_of(wire_, topic()).partitions.size(), 1u);
  EXPECT_EQ(append(wire_, topic(), batch), 0);
  // Versions before 4 cannot forbid it.
  wire_.call(about({topic() + "2"}), 3);
  EXPECT_EQ(metadata_of(wire_, topic() + "2").error_code, ErrorCode::none);

  BrokerProcess strict({.settings = {"auto.create.topics.enable=false"}});
  Wire wire(strict.port());
  EXPECT_EQ(wire.call(about({"t"}, true)).topics.at(0).error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(metadata_of(wire, "t").error_code, ErrorCode::unknown_topic_or_partition);
}

TEST_F(MetadataTest, TopicNamesAreCheckedAndThoseThatCollideRefused) {
  const auto creating = [&](const std::string& name) { return wire_.call(new_topic(name)).topics.at(0).error_code; };
  for (const std::string& name : {std::string(), std::string("."), std::string(".."), std::string("a b"),
                                  std::string("a/b"), std::string("\xc3\xa4"), std::string(250, 'x')}) {
    EXPECT_EQ(creating(name), ErrorCode::invalid_topic_exception) << name;
    EXPECT_EQ(wire_.call(about({name}, true)).topics.at(0).error_code, ErrorCode::invalid_topic_exception) << name;
  }
  EXPECT_EQ(creating(std::string(249, 'x')), ErrorCode::none);
  EXPECT_EQ(creating("a.b_c"), ErrorCode::none);
  EXPECT_EQ(creating("a_b.c"), ErrorCode::invalid_topic_exception);
}

TEST_F(MetadataTest, InternalTopicsAreMarked) {
  create_topic(wire_, topic());
  EXPECT_FALSE(metadata_of(wire_, topic()).is_internal);
  // They are made with the groups and transactions that need them; until then the names are known to be theirs.
  EXPECT_TRUE(metadata_of(wire_, "__consumer_offsets").is_internal);
  EXPECT_TRUE(metadata_of(wire_, "__transaction_state").is_internal);
}

TEST_F(MetadataTest, PartitionListsAreComplete) {
  create_topic(wire_, topic(), 17);
  const auto found = metadata_of(wire_, topic());
  ASSERT_EQ(found.partitions.size(), 17u);
  for (std::int32_t i = 0; i < 17; ++i) {
    const auto& partition = found.partitions[static_cast<std::size_t>(i)];
    EXPECT_EQ(partition.partition_index, i);
    EXPECT_EQ(partition.error_code, ErrorCode::none);
    EXPECT_GE(partition.leader_id, 0);
    EXPECT_EQ(partition.replica_nodes, std::vector{partition.leader_id});
    EXPECT_EQ(partition.isr_nodes, std::vector{partition.leader_id});
  }
}

TEST(MetadataRestartTest, LeaderEpochRisesWithEachRestartAndNodeAndTopicsStayTheSame) {
  BrokerProcess broker;
  base::Uuid id;
  std::string cluster;
  std::int32_t epoch = -1;
  for (int round = 0; round < 4; ++round) {
    Wire wire(broker.port());
    if (round == 0) id = create_topic(wire, "t", 2);
    const auto response = wire.call(about({"t"}), 12);
    EXPECT_EQ(response.topics.at(0).topic_id, id);
    ASSERT_EQ(response.topics[0].partitions.size(), 2u);
    for (const auto& partition : response.topics[0].partitions) EXPECT_GT(partition.leader_epoch, epoch);
    epoch = response.topics[0].partitions[0].leader_epoch;
    if (round == 0) cluster = response.cluster_id.value_or("");
    EXPECT_EQ(response.cluster_id, cluster);
    if (round % 2 == 0) {
      broker.kill();
    } else {
      EXPECT_EQ(broker.stop(), 0);
    }
    broker.start();
  }
}

TEST_F(MetadataTest, ClusterIdIsSetAndTheControllerIsABrokerThatAnswers) {
  const auto response = wire_.call(about({}));
  EXPECT_FALSE(response.cluster_id.value_or("").empty());
  ASSERT_EQ(response.brokers.size(), 1u);
  EXPECT_EQ(response.controller_id, response.brokers[0].node_id);
  EXPECT_EQ(response.brokers[0].port, broker().port());
  EXPECT_EQ(wire_.call(new_topic(topic())).topics.at(0).error_code, ErrorCode::none);
}

TEST_F(MetadataTest, TopicIdIsForLifeAndCanBeAskedForFromVersionTwelve) {
  const base::Uuid id = create_topic(wire_, topic());
  EXPECT_FALSE(id.is_zero());
  EXPECT_EQ(wire_.call(about({topic()}), 10).topics.at(0).topic_id, id);
  const auto by_id = wire_.call(about_id(id), 12).topics.at(0);
  EXPECT_EQ(by_id.error_code, ErrorCode::none);
  EXPECT_EQ(by_id.name, topic());
  base::Uuid unknown = id;
  unknown.bytes[3] ^= std::byte{1};
  EXPECT_EQ(wire_.call(about_id(unknown)).topics.at(0).error_code, ErrorCode::unknown_topic_id);
  for (const Version version : {Version{10}, Version{11}}) {
    EXPECT_EQ(wire_.call(about_id(id), version).topics.at(0).error_code, ErrorCode::invalid_request) << version;
  }
  EXPECT_EQ(delete_topic(wire_, topic()), ErrorCode::none);
  const base::Uuid second = create_topic(wire_, topic());
  EXPECT_NE(second, id);
  EXPECT_EQ(wire_.call(about_id(id)).topics.at(0).error_code, ErrorCode::unknown_topic_id);
}

TEST_F(MetadataTest, AuthorizedOperationsAreToldWhenAskedForOnly) {
  create_topic(wire_, topic());
  MetadataRequest request = about({topic()});
  EXPECT_EQ(wire_.call(request, 9).topics.at(0).topic_authorized_operations, protocol::authorized_operations_omitted);
  EXPECT_EQ(wire_.call(request, 9).cluster_authorized_operations, protocol::authorized_operations_omitted);
  request.include_topic_authorized_operations = true;
  request.include_cluster_authorized_operations = true;
  EXPECT_GT(wire_.call(request, 9).topics.at(0).topic_authorized_operations, 0);
  EXPECT_GT(wire_.call(request, 9).cluster_authorized_operations, 0);
}

TEST_F(MetadataTest, NewestVersionHasATopLevelErrorWhichIsNone) {
  EXPECT_EQ(wire_.call(about({}), 13).error_code, ErrorCode::none);
}

TEST_F(MetadataTest, CreateTopicsJudgesEachTopicByItself) {
  create_topic(wire_, topic());
  CreateTopicsRequest request = new_topic(topic());
  const auto add = [&](const std::string& name, std::int32_t partitions, std::int16_t replicas) -> auto& {
    request.topics.push_back(
        {.name = name, .num_partitions = partitions, .replication_factor = replicas, .assignments = {}, .configs = {}});
    return request.topics.back();
  };
  add("zero", 0, 1);
  add("negative", -2, 1);
  add("replicas", 1, 2);
  add("no-replicas", 1, 0);
  add("config", 1, 1).configs = {{"no.such.config", "1"}};
  add("value", 1, 1).configs = {{"retention.ms", "soon"}};
  add("both", 2, 1).assignments = {{0, {0}}};
  add("twice", 1, 1);
  add("twice", 1, 1);
  add("defaults", -1, -1);
  const auto response = wire_.call(request);
  std::map<std::string, protocol::CreateTopicsResponse::Topic> by_name;
  for (const auto& answer : response.topics) by_name[answer.name] = answer;
  EXPECT_EQ(by_name[topic()].error_code, ErrorCode::topic_already_exists);
  EXPECT_EQ(by_name["zero"].error_code, ErrorCode::invalid_partitions);
  EXPECT_EQ(by_name["negative"].error_code, ErrorCode::invalid_partitions);
  EXPECT_EQ(by_name["replicas"].error_code, ErrorCode::invalid_replication_factor);
  EXPECT_EQ(by_name["no-replicas"].error_code, ErrorCode::invalid_replication_factor);
  EXPECT_EQ(by_name["config"].error_code, ErrorCode::invalid_config);
  EXPECT_NE(by_name["config"].error_message.value_or("").find("no.such.config"), std::string::npos);
  EXPECT_EQ(by_name["value"].error_code, ErrorCode::invalid_config);
  EXPECT_NE(by_name["value"].error_message.value_or("").find("retention.ms"), std::string::npos);
  EXPECT_EQ(by_name["both"].error_code, ErrorCode::invalid_request);
  EXPECT_EQ(by_name["twice"].error_code, ErrorCode::invalid_request);
  EXPECT_EQ(by_name["defaults"].error_code, ErrorCode::none);
  EXPECT_EQ(by_name["defaults"].num_partitions, 1);
  EXPECT_EQ(by_name["defaults"].replication_factor, 1);
}

TEST_F(MetadataTest, CreateTopicsValidatesOnlyWhenAskedToAndTellsTheEffectiveConfiguration) {
  CreateTopicsRequest request = new_topic(topic(), 3, {{"retention.ms", "1234"}});
  request.validate_only = true;
  EXPECT_EQ(wire_.call(request).topics.at(0).error_code, ErrorCode::none);
  EXPECT_EQ(metadata_of(wire_, topic()).error_code, ErrorCode::unknown_topic_or_partition);
  request.validate_only = false;
  const auto made = wire_.call(request, 7).topics.at(0);
  EXPECT_EQ(made.num_partitions, 3);
  EXPECT_EQ(made.replication_factor, 1);
  EXPECT_EQ(made.topic_id, metadata_of(wire_, topic()).topic_id);
  const auto config = std::ranges::find(*made.configs, "retention.ms", &protocol::CreateTopicsResponse::Config::name);
  ASSERT_NE(config, made.configs->end());
  EXPECT_EQ(config->value, "1234");
  EXPECT_EQ(config->config_source, protocol::ConfigSource::dynamic_topic);
}

TEST_F(MetadataTest, OfRacingCreationsOneWins) {
  constexpr int racers = 8;
  std::vector<Wire> wires;
  for (int i = 0; i < racers; ++i) wires.push_back(connect());
  for (Wire& wire : wires) wire.send(new_topic(topic()));
  int made = 0;
  for (Wire& wire : wires) {
    const ErrorCode error = wire.receive<protocol::CreateTopicsResponse>().topics.at(0).error_code;
    if (error == ErrorCode::none) {
      ++made;
    } else {
      EXPECT_EQ(error, ErrorCode::topic_already_exists);
    }
  }
  EXPECT_EQ(made, 1);
}

TEST_F(MetadataTest, NewTopicIsUsableAtOnce) {
  for (int i = 0; i < 10; ++i) {
    const std::string name = topic() + std::to_string(i);
    create_topic(wire_, name);
    Wire other = connect();
    EXPECT_EQ(metadata_of(other, name).error_code, ErrorCode::none);
    EXPECT_EQ(append(other, name, batch_of("x")), 0);
  }
}

TEST_F(MetadataTest, DeletionTakesEffectAtOnceAndTheNameIsFree) {
  const base::Uuid id = create_topic(wire_, topic());
  append(wire_, topic(), batch_of("old"));
  Wire waiting = connect();
  waiting.send(fetch_request(topic(), 1, {.max_wait_ms = 600'000}), named_fetch);
  EXPECT_EQ(ask_versions(wire_).error_code, ErrorCode::none);
  EXPECT_EQ(delete_topic(wire_, topic()), ErrorCode::none);
  EXPECT_EQ(receive_fetched(waiting).error, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(metadata_of(wire_, topic()).error_code, ErrorCode::unknown_topic_or_partition);
  const Batch batch = batch_of("new");
  EXPECT_EQ(produce(wire_, topic(), batch).error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(fetch(wire_, topic(), 0).error, ErrorCode::unknown_topic_or_partition);
  auto by_id = produce_request("", 0, batch);
  by_id.topic_data[0].topic_id = id;
  EXPECT_EQ(wire_.call(by_id, 13).responses.at(0).partition_responses.at(0).error_code, ErrorCode::unknown_topic_id);
  EXPECT_EQ(delete_topic(wire_, topic()), ErrorCode::unknown_topic_or_partition);
  create_topic(wire_, topic());
  EXPECT_EQ(append(wire_, topic(), batch), 0);
  EXPECT_EQ(values_in(fetch(wire_, topic(), 0).records), std::vector<std::string>{"new"});
}

TEST_F(MetadataTest, TopicsAreDeletedByIdFromVersionSix) {
  const base::Uuid id = create_topic(wire_, topic());
  protocol::DeleteTopicsRequest request;
  request.topics.push_back({.name = std::nullopt, .topic_id = id});
  EXPECT_EQ(wire_.call(request, 6).responses.at(0).error_code, ErrorCode::none);
  EXPECT_EQ(wire_.call(request, 6).responses.at(0).error_code, ErrorCode::unknown_topic_id);
  EXPECT_EQ(metadata_of(wire_, topic()).error_code, ErrorCode::unknown_topic_or_partition);
}

TEST(DeletionDisabledTest, DeletionSwitchedOffIsRefused) {
  BrokerProcess broker({.settings = {"delete.topic.enable=false"}});
  Wire wire(broker.port());
  create_topic(wire, "t");
  EXPECT_EQ(delete_topic(wire, "t"), ErrorCode::topic_deletion_disabled);
  EXPECT_EQ(metadata_of(wire, "t").error_code, ErrorCode::none);
}

TEST_F(MetadataTest, CreatePartitionsAnswersForEveryTopic) {
  create_topic(wire_, topic(), 2);
  create_topic(wire_, topic() + "2", 2);
  protocol::CreatePartitionsRequest request;
  request.timeout_ms = 10'000;
  request.topics = {{topic(), 5, std::nullopt}, {topic() + "2", 2, std::nullopt}, {"unknown", 3, std::nullopt}};
  const auto response = wire_.call(request);
  ASSERT_EQ(response.results.size(), 3u);
  EXPECT_EQ(response.results[0].error_code, ErrorCode::none);
  EXPECT_EQ(response.results[1].error_code, ErrorCode::invalid_partitions);
  EXPECT_EQ(response.results[2].error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(metadata_of(wire_, topic()).partitions.size(), 5u);
  EXPECT_EQ(append(wire_, topic(), batch_of("x"), 4), 0);
}

}  // namespace
}  // namespace cms::tests
