// SPDX-License-Identifier: Apache-2.0
// A consumer group with the world around it, for tests: topics, time that moves when told, the log.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "base/check.h"
#include "coordinator/consumer/group.h"

namespace cms::coordinator {

class TestCatalog final : public TopicCatalog {
 public:
  void put(const std::string& name, std::int32_t partition_count) {
    TopicInfo& topic = topics_[name];
    if (topic.name.empty()) topic.id = next_id();
    topic.name = name;
    topic.partition_count = partition_count;
    ++generation_;
  }
  void remove(const std::string& name) {
    topics_.erase(name);
    ++generation_;
  }
  base::Uuid id(const std::string& name) const { return topics_.at(name).id; }

  std::optional<TopicInfo> find(std::string_view name) const override {
    const auto found = topics_.find(name);
    return found == topics_.end() ? std::nullopt : std::optional(found->second);
  }
  std::optional<TopicInfo> find(const base::Uuid& id) const override {
    for (const auto& [name, topic] : topics_)
      if (topic.id == id) return topic;
    return std::nullopt;
  }
  void for_each(const std::function<void(const TopicInfo&)>& visit) const override {
    for (const auto& [name, topic] : topics_) visit(topic);
  }
  std::uint64_t generation() const override { return generation_; }

 private:
  base::Uuid next_id() {
    base::Uuid id;
    id.bytes[15] = static_cast<std::byte>(++last_id_);
    return id;
  }

  std::map<std::string, TopicInfo, std::less<>> topics_;
  std::uint64_t generation_ = 0;
  std::uint8_t last_id_ = 0;
};

using HeartbeatRequest = protocol::ConsumerGroupHeartbeatRequest;
using HeartbeatAnswer = protocol::ConsumerGroupHeartbeatResponse;
using Reported = std::vector<HeartbeatRequest::TopicPartitions>;

inline std::size_t partition_count(const HeartbeatAnswer::Assignment& assignment) {
  std::size_t sum = 0;
  for (const auto& topic : assignment.topic_partitions) sum += topic.partitions.size();
  return sum;
}

inline Reported owned(const HeartbeatAnswer::Assignment& assignment) {
  Reported reported;
  for (const auto& topic : assignment.topic_partitions)
    reported.push_back({.topic_id = topic.topic_id, .partitions = topic.partitions});
  return reported;
}

// A client that does as the protocol says: remembers its epoch, gives up at once what it is to give up.
struct TestConsumer {
  std::string id;
  std::vector<std::string> topics;
  std::int32_t epoch = 0;
  HeartbeatAnswer::Assignment assigned = {};
};

class TestConsumerGroup {
 public:
  TestConsumerGroup() {
    options.consumer.assignment_interval_ms = 0;
    catalog.put("orders", 4);
    catalog.put("payments", 2);
    catalog.put("__consumer_offsets", 50);
    group = std::make_unique<ConsumerGroup>("group", environment);
  }

  HeartbeatAnswer heartbeat(const HeartbeatRequest& request, protocol::Version version = 1) {
    Effects effects;
    HeartbeatAnswer answer =
        group->heartbeat(now, {request, version, {client_id, "/127.0.0.1"}, ++last_ticket_}, effects);
    take(effects);
    return answer;
  }

  HeartbeatRequest joining(const std::string& member_id, std::vector<std::string> topics) const {
    HeartbeatRequest request;
    request.group_id = "group";
    request.member_id = member_id;
    request.member_epoch = 0;
    request.rebalance_timeout_ms = 60'000;
    request.subscribed_topic_names = std::move(topics);
    request.topic_partitions.emplace();
    return request;
  }
  HeartbeatAnswer join(const std::string& member_id, std::vector<std::string> topics = {"orders"}) {
    return heartbeat(joining(member_id, std::move(topics)));
  }
  HeartbeatRequest beating(const std::string& member_id, std::int32_t epoch,
                           std::optional<Reported> reported = {}) const {
    HeartbeatRequest request;
    request.group_id = "group";
    request.member_id = member_id;
    request.member_epoch = epoch;
    request.topic_partitions = std::move(reported);
    return request;
  }
  HeartbeatAnswer beat(const std::string& member_id, std::int32_t epoch, std::optional<Reported> reported = {}) {
    return heartbeat(beating(member_id, epoch, std::move(reported)));
  }

  // One heartbeat of a client; joins if it has not, or if it is fenced.
  HeartbeatAnswer beat(TestConsumer& consumer) {
    HeartbeatAnswer answer = consumer.epoch == 0 ? join(consumer.id, consumer.topics)
                                                 : beat(consumer.id, consumer.epoch, owned(consumer.assigned));
    if (answer.error_code != ErrorCode::none) {
      consumer.epoch = 0;
      consumer.assigned = {};
      return answer;
    }
    consumer.epoch = answer.member_epoch;
    if (answer.assignment) consumer.assigned = *answer.assignment;
    return answer;
  }
  void settle(std::vector<TestConsumer*> consumers) {
    for (int round = 0; round < 6; ++round)
      for (TestConsumer* consumer : consumers) beat(*consumer);
  }

  protocol::JoinGroupResponse join_classic(const protocol::JoinGroupRequest& request, protocol::Version version = 9) {
    Effects effects;
    group->join(now, {request, version, {client_id, "/127.0.0.1"}, ++last_ticket_}, effects);
    return std::get<protocol::JoinGroupResponse>(take_reply(effects));
  }
  protocol::SyncGroupResponse sync_classic(const std::string& member_id, std::int32_t generation) {
    protocol::SyncGroupRequest request;
    request.group_id = "group";
    request.member_id = member_id;
    request.generation_id = generation;
    Effects effects;
    group->sync(now, {request, 5, {client_id, "/127.0.0.1"}, ++last_ticket_}, effects);
    return std::get<protocol::SyncGroupResponse>(take_reply(effects));
  }
  ErrorCode beat_classic(const std::string& member_id, std::int32_t generation) {
    protocol::HeartbeatRequest request;
    request.group_id = "group";
    request.member_id = member_id;
    request.generation_id = generation;
    Effects effects;
    const ErrorCode error =
        group->heartbeat(now, {request, 4, {client_id, "/127.0.0.1"}, ++last_ticket_}, effects).error_code;
    take(effects);
    return error;
  }
  protocol::LeaveGroupResponse leave_classic(const std::vector<protocol::LeaveGroupRequest::Member>& members) {
    protocol::LeaveGroupRequest request;
    request.group_id = "group";
    request.members = members;
    Effects effects;
    protocol::LeaveGroupResponse response =
        group->leave(now, {request, 5, {client_id, "/127.0.0.1"}, ++last_ticket_}, effects);
    take(effects);
    return response;
  }

  // As the host does: at every time the group asks for, up to now + ms.
  void pass(std::int64_t ms) {
    const std::int64_t until = now.steady_ms + ms;
    while (group->wake_at_ms() <= until) {
      const std::int64_t step = std::max<std::int64_t>(group->wake_at_ms() - now.steady_ms, 0);
      now.steady_ms += step;
      now.wall_ms += step;
      Effects effects;
      group->tick(now, effects);
      take(effects);
      if (group->wake_at_ms() <= now.steady_ms) break;  // a test that fails should end
    }
    now.wall_ms += until - now.steady_ms;
    now.steady_ms = until;
  }

  const ConsumerMember& member(const std::string& id) const { return *group->state().find(id); }

  static std::unique_ptr<ConsumerGroup> read_again(const GroupEnvironment& environment,
                                                   const std::vector<LogRecord>& records) {
    auto group = std::make_unique<ConsumerGroup>("group", environment);
    for (const LogRecord& record : records) {
      std::optional<base::ByteSpan> value;
      if (record.value) value = base::as_bytes(*record.value);
      auto entry = parse_entry(base::as_bytes(record.key), value);
      CHECK(entry.ok());
      std::visit(
          [&](const auto& parsed) {
            if constexpr (requires { group->replay(parsed); }) group->replay(parsed);
          },
          *entry);
    }
    return group;
  }

  // The log, read again, says the same.
  void expect_log_tells_all() const {
    const std::unique_ptr<ConsumerGroup> again = read_again(environment, log);
    EXPECT_EQ(again->describe_consumer(), group->describe_consumer());
    EXPECT_EQ(again->state().epochs().metadata_hash, group->state().epochs().metadata_hash);
    EXPECT_EQ(again->state().members().size(), group->state().members().size());
    for (const auto& [id, member] : group->state().members()) {
      const ConsumerMember* read = again->state().find(id);
      ASSERT_NE(read, nullptr);
      EXPECT_EQ(read->current, member.current);
      EXPECT_EQ(read->metadata, member.metadata);
      EXPECT_EQ(read->target, member.target);
    }
    EXPECT_EQ(again->state().patterns().size(), group->state().patterns().size());
  }

  Options options;
  TestCatalog catalog;
  GroupConfig config;
  GroupConfigs configs = [this](std::string_view) { return config; };
  GroupEnvironment environment{
      .options = options, .topics = catalog, .group_configs = configs, .new_member_suffix = [this] {
        return "made-up-" + std::to_string(++made_up_);
      }};
  std::unique_ptr<ConsumerGroup> group;
  Now now{.steady_ms = 1'000, .wall_ms = 1'700'000'000'000};
  std::vector<LogRecord> log;
  std::string client_id = "client";
  std::unique_ptr<Group> successor;

 private:
  void take(Effects& effects) {
    log.insert(log.end(), effects.records.begin(), effects.records.end());
    successor = group->take_successor(now, effects);
  }
  WaitingResponse take_reply(Effects& effects) {
    CHECK(effects.replies.size() == 1);  // nobody waits in a consumer group
    WaitingResponse response = effects.replies.front().response;
    take(effects);
    return response;
  }

  Ticket last_ticket_ = 0;
  int made_up_ = 0;
};

}  // namespace cms::coordinator
