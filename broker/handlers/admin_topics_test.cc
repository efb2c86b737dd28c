// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/admin_topics.h"

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "broker/handlers/test_broker.h"
#include "storage/test_batches.h"

namespace cms::broker {
namespace {

using protocol::CreatePartitionsRequest;
using protocol::CreatePartitionsResponse;
using protocol::CreateTopicsRequest;
using protocol::CreateTopicsResponse;
using protocol::DeleteRecordsRequest;
using protocol::DeleteRecordsResponse;
using protocol::DeleteTopicsRequest;
using protocol::DeleteTopicsResponse;

CreateTopicsRequest::Topic topic(const std::string& name, std::int32_t partitions = 1, std::int16_t replicas = 1) {
  CreateTopicsRequest::Topic topic;
  topic.name = name;
  topic.num_partitions = partitions;
  topic.replication_factor = replicas;
  return topic;
}

CreateTopicsRequest::Topic assigned(const std::string& name, std::vector<CreateTopicsRequest::Assignment> assignments) {
  CreateTopicsRequest::Topic wanted = topic(name, -1, -1);
  wanted.assignments = std::move(assignments);
  return wanted;
}

CreatePartitionsRequest::Topic to(const std::string& name, std::int32_t count) {
  return {.name = name, .count = count, .assignments = std::nullopt};
}

class AdminTopicsTest : public ::testing::Test {
 protected:
  CreateTopicsResponse create(std::vector<CreateTopicsRequest::Topic> topics, bool validate_only = false) {
    CreateTopicsRequest request;
    request.topics = std::move(topics);
    request.validate_only = validate_only;
    return broker_.answer<CreateTopicsResponse>(7, [&](const RequestContext& context, auto& response) {
      create_topics(broker_.topics(), broker_.metadata(), context, request, response);
    });
  }

  CreateTopicsResponse::Topic create_one(const CreateTopicsRequest::Topic& wanted) {
    return create({wanted}).topics[0];
  }

  DeleteTopicsResponse remove(protocol::Version version, const DeleteTopicsRequest& request) {
    return broker_.answer<DeleteTopicsResponse>(version, [&](const RequestContext& context, auto& response) {
      delete_topics(broker_.topics(), broker_.options, context, request, response);
    });
  }

  DeleteTopicsResponse remove_named(std::vector<std::string> names, protocol::Version version = 5) {
    DeleteTopicsRequest request;
    request.topic_names = std::move(names);
    return remove(version, request);
  }

  CreatePartitionsResponse grow(std::vector<CreatePartitionsRequest::Topic> topics, bool validate_only = false) {
    CreatePartitionsRequest request;
    request.topics = std::move(topics);
    request.validate_only = validate_only;
    return broker_.answer<CreatePartitionsResponse>(3, [&](const RequestContext& context, auto& response) {
      create_partitions(broker_.topics(), broker_.metadata(), context, request, response);
    });
  }

  DeleteRecordsResponse::Partition delete_before(const std::string& name, std::int32_t partition, Offset offset) {
    DeleteRecordsRequest request;
    request.topics.push_back({.name = name, .partitions = {{.partition_index = partition, .offset = offset}}});
    return broker_
        .answer<DeleteRecordsResponse>(2,
                                       [&](const RequestContext& context, auto& response) {
                                         delete_records(broker_.topics(), context, request, response);
                                       })
        .topics[0]
        .partitions[0];
  }

  test::TestBroker broker_;
  base::Random random_{5};
};

// --- CreateTopics.

TEST_F(AdminTopicsTest, CreatedTopicIsUsableAndToldWithIdCountsAndConfigs) {
  CreateTopicsRequest::Topic wanted = topic("t", 3);
  wanted.configs.push_back({.name = "retention.ms", .value = "5000"});
  const CreateTopicsResponse::Topic answer = create_one(wanted);
  EXPECT_EQ(answer.error_code, ErrorCode::none);
  EXPECT_EQ(answer.error_message, std::nullopt);
  EXPECT_EQ(answer.num_partitions, 3);
  EXPECT_EQ(answer.replication_factor, 1);
  const TopicHandle made = broker_.topics().find("t");
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(answer.topic_id, made->id());
  EXPECT_EQ(made->partitions.size(), 3u);
  ASSERT_TRUE(answer.configs);
  const auto retention = std::find_if(answer.configs->begin(), answer.configs->end(),
                                      [](const auto& config) { return config.name == "retention.ms"; });
  ASSERT_NE(retention, answer.configs->end());
  EXPECT_EQ(retention->value, "5000");
  EXPECT_EQ(retention->config_source, protocol::ConfigSource::dynamic_topic);
  EXPECT_GE(answer.configs->size(), 33u);
}

TEST_F(AdminTopicsTest, ExistingTopicIsRefused) {
  broker_.create("t");
  const auto answer = create_one(topic("t"));
  EXPECT_EQ(answer.error_code, ErrorCode::topic_already_exists);
  EXPECT_EQ(answer.error_message, "Topic 't' already exists.");
  EXPECT_EQ(create_one(topic("t", 1, 3)).error_code, ErrorCode::topic_already_exists);
}

TEST_F(AdminTopicsTest, OneOfTwoRacingCreationsWins) {
  std::vector<ErrorCode> errors(8);
  std::vector<std::thread> threads;
  for (ErrorCode& error : errors) {
    threads.emplace_back([&] {
      protocol::RequestHeader header;
      header.api_version = 7;
      Peer peer;
      CreateTopicsRequest request;
      request.topics.push_back(topic("t"));
      CreateTopicsResponse response;
      create_topics(broker_.topics(), broker_.metadata(), {header, peer}, request, response);
      error = response.topics[0].error_code;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::count(errors.begin(), errors.end(), ErrorCode::none), 1);
  EXPECT_EQ(std::count(errors.begin(), errors.end(), ErrorCode::topic_already_exists), 7);
}

TEST_F(AdminTopicsTest, NamesAreChecked) {
  broker_.create("a_b");
  EXPECT_EQ(create_one(topic("bad name")).error_code, ErrorCode::invalid_topic_exception);
  EXPECT_EQ(create_one(topic("")).error_message, "Topic name is invalid: the empty string is not allowed");
  const auto collision = create_one(topic("a.b"));
  EXPECT_EQ(collision.error_code, ErrorCode::invalid_topic_exception);
  EXPECT_EQ(collision.error_message, "Topic 'a.b' collides with existing topic: a_b");
}

TEST_F(AdminTopicsTest, CountsAreCheckedAndMinusOneIsTheDefault) {
  broker_.options.num_partitions = 4;
  for (const std::int32_t bad : {0, -5}) {
    const auto answer = create_one(topic("t", bad));
    EXPECT_EQ(answer.error_code, ErrorCode::invalid_partitions);
    EXPECT_EQ(answer.error_message, "Number of partitions was set to an invalid non-positive value.");
    EXPECT_EQ(answer.num_partitions, -1);
  }
  EXPECT_EQ(create_one(topic("t", 0, 2)).error_code, ErrorCode::invalid_partitions);  // the first thing that is said
  const auto too_many = create_one(topic("t", 100'001));
  EXPECT_EQ(too_many.error_code, ErrorCode::policy_violation);
  EXPECT_EQ(too_many.error_message, "Excessively large number of partitions per request.");
  for (const std::int16_t bad : {0, -2, 2, 32767}) {
    EXPECT_EQ(create_one(topic("t", 1, bad)).error_code, ErrorCode::invalid_replication_factor) << bad;
  }
  const auto answer = create_one(topic("t", -1, -1));
  EXPECT_EQ(answer.num_partitions, 4);
  EXPECT_EQ(answer.replication_factor, 1);
}

TEST_F(AdminTopicsTest, TheTopicOfKafkasOwnMetadataIsNotMade) {
  const auto answer = create_one(topic("__cluster_metadata"));
  EXPECT_EQ(answer.error_code, ErrorCode::invalid_request);
  EXPECT_EQ(answer.error_message, "Creation of internal topic __cluster_metadata is prohibited.");
}

TEST_F(AdminTopicsTest, DefaultReplicationFactorIsHeldAgainstTheOneBroker) {
  broker_.options.default_replication_factor = 3;
  const auto answer = create_one(topic("t", 1, -1));
  EXPECT_EQ(answer.error_code, ErrorCode::invalid_replication_factor);
  EXPECT_EQ(answer.error_message,
            "Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached because "
            "only 1 broker(s) are registered or some brokers have all their log directories cordoned.");
  EXPECT_EQ(create_one(topic("t", 1, 1)).error_code, ErrorCode::none);
  EXPECT_EQ(create_one(assigned("by hand", {{0, {broker_.options.node_id}}})).error_code,
            ErrorCode::invalid_topic_exception);
  EXPECT_EQ(create_one(assigned("by.hand", {{0, {broker_.options.node_id}}})).error_code, ErrorCode::none);
}

TEST_F(AdminTopicsTest, UnknownConfigOrBadValueIsNamed) {
  CreateTopicsRequest::Topic wanted = topic("t");
  wanted.configs.push_back({.name = "nope", .value = "1"});
  EXPECT_EQ(create_one(wanted).error_code, ErrorCode::invalid_config);
  EXPECT_EQ(create_one(wanted).error_message, "Unknown topic config name: nope");
  wanted.configs[0] = {.name = "retention.ms", .value = "x"};
  EXPECT_EQ(create_one(wanted).error_code, ErrorCode::invalid_config);
  EXPECT_EQ(create_one(wanted).error_message,
            "Invalid value x for configuration retention.ms: Not a number of type LONG");
  EXPECT_EQ(broker_.topics().find("t"), nullptr);
}

TEST_F(AdminTopicsTest, AssignmentsByHandNameThisBrokerOnceForEachPartition) {
  const std::int32_t self = broker_.options.node_id;
  const auto error = [&](std::vector<CreateTopicsRequest::Assignment> assignments) {
    return create_one(assigned("bad", std::move(assignments))).error_code;
  };
  EXPECT_EQ(error({{0, {self + 1}}}), ErrorCode::invalid_replica_assignment);
  EXPECT_EQ(error({{0, {self, self}}}), ErrorCode::invalid_replica_assignment);
  EXPECT_EQ(error({{0, {}}}), ErrorCode::invalid_replica_assignment);
  EXPECT_EQ(error({{1, {self}}}), ErrorCode::invalid_replica_assignment);
  EXPECT_EQ(error({{-1, {self}}}), ErrorCode::invalid_replica_assignment);
  EXPECT_EQ(error({{0, {self}}, {0, {self}}}), ErrorCode::invalid_replica_assignment);
  const auto made = create_one(assigned("good", {{1, {self}}, {0, {self}}}));
  EXPECT_EQ(made.error_code, ErrorCode::none);
  EXPECT_EQ(made.num_partitions, 2);
}

TEST_F(AdminTopicsTest, AssignmentTogetherWithCountsIsInvalid) {
  CreateTopicsRequest::Topic wanted = assigned("t", {{0, {broker_.options.node_id}}});
  wanted.num_partitions = 1;
  EXPECT_EQ(create_one(wanted).error_message,
            "A manual partition assignment was specified, but numPartitions was not set to -1.");
  wanted.replication_factor = 1;
  const auto answer = create_one(wanted);
  EXPECT_EQ(answer.error_code, ErrorCode::invalid_request);
  EXPECT_EQ(answer.error_message,
            "A manual partition assignment was specified, but replication factor was not set to -1.");
}

TEST_F(AdminTopicsTest, NameListedTwiceIsInvalidOnceAndOthersAreJudgedByThemselves) {
  const CreateTopicsResponse response = create({topic("twice"), topic("good"), topic("twice"), topic("zero", 0)});
  ASSERT_EQ(response.topics.size(), 3u);
  EXPECT_EQ(response.topics[0].error_code, ErrorCode::invalid_request);
  EXPECT_EQ(response.topics[0].error_message, "Duplicate topic name.");
  EXPECT_EQ(response.topics[1].error_code, ErrorCode::none);
  EXPECT_EQ(response.topics[2].error_code, ErrorCode::invalid_partitions);
  EXPECT_EQ(broker_.topics().all().size(), 1u);
}

TEST_F(AdminTopicsTest, ValidateOnlyChangesNothing) {
  const CreateTopicsResponse response = create({topic("t", 3), topic("zero", 0)}, true);
  EXPECT_EQ(response.topics[0].error_code, ErrorCode::none);
  EXPECT_EQ(response.topics[0].num_partitions, 3);
  EXPECT_FALSE(response.topics[0].configs->empty());
  EXPECT_EQ(response.topics[1].error_code, ErrorCode::invalid_partitions);
  EXPECT_TRUE(broker_.topics().all().empty());
  broker_.restart();
  EXPECT_TRUE(broker_.topics().all().empty());
}

// --- DeleteTopics.

TEST_F(AdminTopicsTest, DeletedTopicIsGoneAndItsNameIsFree) {
  const TopicHandle topic = broker_.create("t");
  const DeleteTopicsResponse response = remove_named({"t"});
  ASSERT_EQ(response.responses.size(), 1u);
  EXPECT_EQ(response.responses[0].error_code, ErrorCode::none);
  EXPECT_EQ(response.responses[0].error_message, std::nullopt);
  EXPECT_EQ(broker_.topics().find("t"), nullptr);
  EXPECT_EQ(broker_.topics().find(topic->id()), nullptr);
  EXPECT_EQ(topic->partition(0)->state(), ErrorCode::unknown_topic_or_partition);
  EXPECT_NE(broker_.create("t")->id(), topic->id());
}

TEST_F(AdminTopicsTest, DeletionByIdGivesTheName) {
  const base::Uuid id = broker_.create("t")->id();
  const base::Uuid stranger = base::Uuid::random(random_);
  DeleteTopicsRequest request;
  request.topics = {{.name = std::nullopt, .topic_id = id}, {.name = std::nullopt, .topic_id = stranger}};
  const DeleteTopicsResponse response = remove(6, request);
  EXPECT_EQ(response.responses[0].error_code, ErrorCode::none);
  EXPECT_EQ(response.responses[0].name, "t");
  EXPECT_EQ(response.responses[1].error_code, ErrorCode::unknown_topic_id);
  EXPECT_EQ(response.responses[1].error_message, "This server does not host this topic ID.");
  EXPECT_EQ(response.responses[1].name, std::nullopt);
}

TEST_F(AdminTopicsTest, DeletionWantsEitherNameOrId) {
  const base::Uuid id = broker_.create("t")->id();
  DeleteTopicsRequest request;
  request.topics = {{.name = "t", .topic_id = id}, {.name = std::nullopt, .topic_id = {}}};
  const DeleteTopicsResponse response = remove(6, request);
  EXPECT_EQ(response.responses[0].error_code, ErrorCode::invalid_request);
  EXPECT_EQ(response.responses[1].error_code, ErrorCode::invalid_request);
  EXPECT_NE(broker_.topics().find("t"), nullptr);
}

TEST_F(AdminTopicsTest, UnknownAndRepeatedNamesAreNotDeleted) {
  broker_.create("twice");
  const DeleteTopicsResponse response = remove_named({"twice", "nope", "twice"});
  ASSERT_EQ(response.responses.size(), 2u);
  EXPECT_EQ(response.responses[0].error_code, ErrorCode::invalid_request);
  EXPECT_EQ(response.responses[1].error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_NE(broker_.topics().find("twice"), nullptr);
}

TEST_F(AdminTopicsTest, DeletionSwitchedOffIsToldAsFarAsTheVersionKnowsIt) {
  broker_.create("t");
  broker_.options.delete_topic = false;
  EXPECT_EQ(remove_named({"t"}).responses[0].error_code, ErrorCode::topic_deletion_disabled);
  EXPECT_EQ(remove_named({"t"}, 2).responses[0].error_code, ErrorCode::invalid_request);
  EXPECT_NE(broker_.topics().find("t"), nullptr);
}

// --- CreatePartitions.

TEST_F(AdminTopicsTest, CountMustGrowAndEveryTopicIsAnswered) {
  broker_.create("p", 2);
  broker_.create("q", 1);
  const CreatePartitionsResponse response = grow({to("p", 2), to("q", 3), to("nope", 3)});
  ASSERT_EQ(response.results.size(), 3u);
  EXPECT_EQ(response.results[0].error_code, ErrorCode::invalid_partitions);
  EXPECT_EQ(response.results[0].error_message, "Topic already has 2 partition(s).");
  EXPECT_EQ(response.results[1].error_code, ErrorCode::none);
  EXPECT_EQ(response.results[2].error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(broker_.topics().find("q")->partitions.size(), 3u);
  const auto shrink = grow({to("p", 1)}).results[0];
  EXPECT_EQ(shrink.error_message, "The topic p currently has 2 partition(s); 1 would not be an increase.");
}

TEST_F(AdminTopicsTest, NewPartitionsSurviveARestart) {
  broker_.create("p", 1);
  const Partition* const first = broker_.topics().find("p")->partition(0);
  EXPECT_EQ(grow({to("p", 4)}).results[0].error_code, ErrorCode::none);
  EXPECT_EQ(broker_.topics().find("p")->partition(0), first);
  broker_.restart();
  EXPECT_EQ(broker_.topics().find("p")->partitions.size(), 4u);
}

TEST_F(AdminTopicsTest, AssignmentsOfNewPartitionsAreChecked) {
  broker_.create("p", 2);
  const std::int32_t self = broker_.options.node_id;
  using Assignment = CreatePartitionsRequest::Assignment;
  const auto validate = [&](std::vector<Assignment> assignments) {
    return grow({{.name = "p", .count = 3, .assignments = std::move(assignments)}}, true).results[0];
  };
  EXPECT_EQ(validate({}).error_message,
            "Attempted to add 1 additional partition(s), but only 0 assignment(s) were specified.");
  EXPECT_EQ(validate({Assignment{{self}}, Assignment{{self}}}).error_code, ErrorCode::invalid_replica_assignment);
  EXPECT_EQ(validate({Assignment{{self + 1}}}).error_code, ErrorCode::invalid_replica_assignment);
  EXPECT_EQ(validate({Assignment{{}}}).error_code, ErrorCode::invalid_replica_assignment);
  EXPECT_EQ(validate({Assignment{{self}}}).error_code, ErrorCode::none);
  EXPECT_EQ(broker_.topics().find("p")->partitions.size(), 2u);
}

TEST_F(AdminTopicsTest, TopicToGrowListedTwiceIsInvalid) {
  broker_.create("p", 1);
  const CreatePartitionsResponse response = grow({to("p", 4), to("p", 5)});
  ASSERT_EQ(response.results.size(), 1u);
  EXPECT_EQ(response.results[0].error_code, ErrorCode::invalid_request);
  EXPECT_EQ(broker_.topics().find("p")->partitions.size(), 1u);
}

// --- DeleteRecords.

class DeleteRecordsTest : public AdminTopicsTest {
 protected:
  DeleteRecordsTest() {
    broker_.logs.fill = [](storage::Log& log) {
      const auto batch = storage::test::make_batch({.records = 10});
      CHECK(log.append(storage::test::view_of(batch), 0, 0).ok());
    };
  }
};

TEST_F(DeleteRecordsTest, LogStartRisesToTheOffsetGiven) {
  const TopicHandle topic = broker_.create("t");
  const auto answer = delete_before("t", 0, 4);
  EXPECT_EQ(answer.error_code, ErrorCode::none);
  EXPECT_EQ(answer.low_watermark, 4);
  EXPECT_EQ(topic->partition(0)->positions().start, 4);
  EXPECT_EQ(delete_before("t", 0, 2).low_watermark, 4);
}

TEST_F(DeleteRecordsTest, MinusOneMeansTheHighWatermark) {
  broker_.create("t");
  EXPECT_EQ(delete_before("t", 0, -1).low_watermark, 10);
}

TEST_F(DeleteRecordsTest, OffsetAboveTheHighWatermarkIsOutOfRange) {
  broker_.create("t");
  const auto answer = delete_before("t", 0, 11);
  EXPECT_EQ(answer.error_code, ErrorCode::offset_out_of_range);
  EXPECT_EQ(answer.low_watermark, -1);
  EXPECT_EQ(delete_before("t", 0, -2).error_code, ErrorCode::offset_out_of_range);
}

TEST_F(DeleteRecordsTest, CompactedTopicIsAPolicyViolation) {
  broker_.create("t", 1, {{.name = "cleanup.policy", .value = "compact"}});
  EXPECT_EQ(delete_before("t", 0, 1).error_code, ErrorCode::policy_violation);
  broker_.create("both", 1, {{.name = "cleanup.policy", .value = "compact,delete"}});
  EXPECT_EQ(delete_before("both", 0, 1).error_code, ErrorCode::none);
}

TEST_F(DeleteRecordsTest, InternalTopicIsInvalidAndUnknownOnesAreUnknown) {
  broker_.create("__consumer_offsets");
  broker_.create("t");
  EXPECT_EQ(delete_before("__consumer_offsets", 0, 1).error_code, ErrorCode::invalid_topic_exception);
  EXPECT_EQ(delete_before("t", 9, 1).error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(delete_before("nope", 0, 1).error_code, ErrorCode::unknown_topic_or_partition);
}

}  // namespace
}  // namespace cms::broker
