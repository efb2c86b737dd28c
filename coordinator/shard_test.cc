// SPDX-License-Identifier: Apache-2.0
// A shard: which group a request meets, offsets and their expiry, and its state out of the log at any time.
#include "coordinator/shard.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "coordinator/consumer/test_consumer_group.h"

namespace cms::coordinator {
namespace {

using protocol::JoinGroupRequest;
using protocol::JoinGroupResponse;
using protocol::OffsetCommitRequest;
using protocol::OffsetDeleteRequest;
using protocol::OffsetFetchRequest;
using protocol::SyncGroupRequest;

constexpr std::int64_t minute_ms = 60'000;

// Who commits; by default somebody from outside of the group.
struct Committer {
  std::string member_id = {};
  std::int32_t epoch = -1;
  protocol::Version version = 9;
};

class TestShard {
 public:
  TestShard() {
    options.classic.initial_rebalance_delay_ms = 0;
    options.consumer.assignment_interval_ms = 0;
    options.offsets.retention_ms = 10 * minute_ms;
    catalog.put("orders", 4);
    catalog.put("payments", 2);
    shard = std::make_unique<Shard>(environment);
  }

  template <typename Request>
  auto step(const Request& request, protocol::Version version = Request::versions.last) {
    Effects effects;
    const Call<Request> call{request, version, {"client", "/127.0.0.1"}, ++last_ticket};
    if constexpr (std::is_void_v<decltype(shard->step(now, call, effects))>) {
      shard->step(now, call, effects);
      take(effects);
    } else {
      auto response = shard->step(now, call, effects);
      take(effects);
      return response;
    }
  }

  // --- A classic group of one member, which leads and gets everything; its id.
  std::string settle_classic(const std::string& group, std::string member_id = {}) {
    JoinGroupRequest join;
    join.group_id = group;
    join.session_timeout_ms = 10'000;
    join.rebalance_timeout_ms = 10'000;
    join.protocol_type = "consumer";
    join.member_id = std::move(member_id);
    join.protocols.push_back({"range", base::as_bytes(subscription_)});
    step(join, 3);
    const auto joined = std::get<JoinGroupResponse>(replies.at(last_ticket));
    EXPECT_EQ(joined.error_code, ErrorCode::none);
    SyncGroupRequest sync;
    sync.group_id = group;
    sync.generation_id = joined.generation_id;
    sync.member_id = joined.member_id;
    sync.assignments.push_back({joined.member_id, base::as_bytes(std::string_view("all"))});
    step(sync, 3);
    return joined.member_id;
  }
  ErrorCode leave_classic(const std::string& group, const std::string& member_id) {
    protocol::LeaveGroupRequest request{group, {}, {{member_id, {}, {}}}};
    return step(request).members.at(0).error_code;
  }

  // --- A consumer group.
  HeartbeatAnswer beat(const std::string& group, const std::string& member_id, std::int32_t epoch) {
    HeartbeatRequest request;
    request.group_id = group;
    request.member_id = member_id;
    request.member_epoch = epoch;
    if (epoch == 0) {
      request.rebalance_timeout_ms = 60'000;
      request.subscribed_topic_names = {"orders"};
    }
    if (epoch >= 0) request.topic_partitions.emplace();
    return step(request);
  }

  // --- Offsets.
  ErrorCode commit(const std::string& group, const std::string& topic, std::int32_t partition, std::int64_t offset,
                   const Committer& claim = {}, std::int64_t retention_time_ms = -1) {
    OffsetCommitRequest request;
    request.group_id = group;
    request.member_id = claim.member_id;
    request.generation_id_or_member_epoch = claim.epoch;
    request.retention_time_ms = retention_time_ms;
    auto& wanted = request.topics.emplace_back();
    wanted.name = topic;
    if (const auto known = catalog.find(topic)) wanted.topic_id = known->id;
    wanted.partitions.push_back({partition, offset, claim.version >= 6 ? 3 : -1, "metadata"});
    return step(request, claim.version).topics.at(0).partitions.at(0).error_code;
  }
  std::int64_t committed(const std::string& group, const std::string& topic, std::int32_t partition = 0) const {
    OffsetFetchRequest::Group wanted;
    wanted.group_id = group;
    wanted.topics.emplace().push_back({topic, {}, {partition}});
    const auto answer = shard->fetch_offsets(wanted, 9);
    return answer.error_code != ErrorCode::none ? -2 : answer.topics.at(0).partitions.at(0).committed_offset;
  }

  ErrorCode delete_group(const std::string& group) {
    Effects effects;
    const ErrorCode error = shard->delete_group(group, effects);
    take(effects);
    return error;
  }
  bool expire(std::size_t records_max = 1000) {
    Effects effects;
    const bool done = shard->expire(now, records_max, effects);
    take(effects);
    return done;
  }
  void topics_changed() {
    Effects effects;
    shard->topics_changed(now, effects);
    take(effects);
  }
  void forget_removed_topics() {
    Effects effects;
    shard->forget_removed_topics(effects);
    take(effects);
  }
  void advance(std::int64_t ms) {
    now.steady_ms += ms;
    now.wall_ms += ms;
    Effects effects;
    shard->tick(now, effects);
    take(effects);
  }

  std::vector<protocol::ListGroupsResponse::Group> list(const Shard& of) const {
    std::vector<protocol::ListGroupsResponse::Group> groups;
    of.list(groups);
    std::ranges::sort(groups, {}, &protocol::ListGroupsResponse::Group::group_id);
    return groups;
  }
  std::vector<protocol::ListGroupsResponse::Group> list() const { return list(*shard); }

  static void replay(Shard& into, const LogRecord& record) {
    const auto replayed = into.replay(base::as_bytes(record.key),
                                      record.value ? std::optional(base::as_bytes(*record.value)) : std::nullopt);
    EXPECT_TRUE(replayed.ok());
  }

  // As compaction leaves the log: the last record of each key, in their order, tombstones gone.
  std::vector<LogRecord> compacted() const {
    std::vector<LogRecord> kept;
    for (auto record = log.rbegin(); record != log.rend(); ++record) {
      if (std::ranges::none_of(kept, [&](const LogRecord& later) { return later.key == record->key; }))
        kept.push_back(*record);
    }
    std::erase_if(kept, [](const LogRecord& record) { return !record.value; });
    std::ranges::reverse(kept);
    return kept;
  }

  std::unique_ptr<Shard> read_again(const std::vector<LogRecord>& records) {
    auto again = std::make_unique<Shard>(environment);
    for (const LogRecord& record : records) replay(*again, record);
    Effects effects;
    again->loaded(now, effects);
    return again;
  }

  // The log, and the log compacted, say what is in memory.
  void expect_log_tells_all() {
    for (const auto& records : {log, compacted()}) {
      const auto again = read_again(records);
      EXPECT_EQ(list(*again), list());
      EXPECT_EQ(again->offset_count(), shard->offset_count());
      for (const auto& group : list()) {
        OffsetFetchRequest::Group all;
        all.group_id = group.group_id;
        EXPECT_EQ(again->fetch_offsets(all, 9), shard->fetch_offsets(all, 9)) << group.group_id;
        if (group.group_type == "classic") {
          EXPECT_EQ(again->describe_classic(group.group_id), shard->describe_classic(group.group_id));
        } else {
          EXPECT_EQ(again->describe_consumer(group.group_id), shard->describe_consumer(group.group_id));
        }
      }
    }
  }

  Options options;
  TestCatalog catalog;
  GroupConfigs configs = [](std::string_view) { return GroupConfig{}; };
  GroupEnvironment environment{
      .options = options, .topics = catalog, .group_configs = configs, .new_member_suffix = [this] {
        return "made-up-" + std::to_string(++made_up_);
      }};
  std::unique_ptr<Shard> shard;
  Now now{.steady_ms = 1'000, .wall_ms = 1'700'000'000'000};
  std::vector<LogRecord> log;
  std::map<Ticket, WaitingResponse> replies;
  Ticket last_ticket = 0;

 private:
  void take(Effects& effects) {
    for (LogRecord& record : effects.records) log.push_back(std::move(record));
    for (Reply& reply : effects.replies) replies.emplace(reply.ticket, std::move(reply.response));
  }

  // Kafka's: version 0, one topic, no user data.
  std::string subscription_ = std::string("\0\0\0\0\0\1\0\6orders\xff\xff\xff\xff", 18);
  int made_up_ = 0;
};

TEST(Shard, UnknownGroupsAreAnsweredByEveryRequest) {
  TestShard t;
  EXPECT_EQ(t.step(protocol::HeartbeatRequest{"g", 1, "m", {}}).error_code, ErrorCode::unknown_member_id);
  EXPECT_EQ(t.step(protocol::HeartbeatRequest{"", 1, "m", {}}).error_code, ErrorCode::invalid_group_id);
  EXPECT_EQ(t.leave_classic("g", "m"), ErrorCode::unknown_member_id);
  protocol::LeaveGroupRequest one;
  one.group_id = "g";
  one.member_id = "m";
  EXPECT_EQ(t.step(one, 2).error_code, ErrorCode::unknown_member_id);
  SyncGroupRequest sync;
  sync.group_id = "g";
  t.step(sync);
  EXPECT_EQ(std::get<protocol::SyncGroupResponse>(t.replies.at(t.last_ticket)).error_code,
            ErrorCode::unknown_member_id);
  JoinGroupRequest join;
  join.group_id = "g";
  join.session_timeout_ms = 10'000;
  join.member_id = "m";
  join.protocol_type = "consumer";
  join.protocols.push_back({"range", {}});
  t.step(join);
  EXPECT_EQ(std::get<JoinGroupResponse>(t.replies.at(t.last_ticket)).error_code, ErrorCode::unknown_member_id);
  EXPECT_EQ(t.beat("g", "m", 1).error_code, ErrorCode::group_id_not_found);
  EXPECT_EQ(t.commit("g", "orders", 0, 1, {.member_id = "m", .epoch = 1, .version = 8}), ErrorCode::illegal_generation);
  EXPECT_EQ(t.commit("g", "orders", 0, 1, {.member_id = "m", .epoch = 1, .version = 9}), ErrorCode::group_id_not_found);
  EXPECT_EQ(t.committed("g", "orders"), -1);
  EXPECT_EQ(t.step(OffsetDeleteRequest{"g", {}}).error_code, ErrorCode::group_id_not_found);
  EXPECT_EQ(t.delete_group("g"), ErrorCode::group_id_not_found);
  EXPECT_EQ(t.delete_group(""), ErrorCode::invalid_group_id);
  EXPECT_EQ(t.shard->describe_classic("g").error_code, ErrorCode::group_id_not_found);
  EXPECT_EQ(t.shard->describe_classic("g").group_state, "Dead");
  EXPECT_EQ(t.shard->describe_consumer("g").error_code, ErrorCode::group_id_not_found);
  EXPECT_TRUE(t.list().empty());  // asking made no group
  EXPECT_TRUE(t.log.empty());
}

TEST(Shard, WhoeverOnlyCommitsHasAGroup) {
  TestShard t;
  EXPECT_EQ(t.commit("simple", "orders", 1, 42), ErrorCode::none);
  ASSERT_EQ(t.list().size(), 1u);
  EXPECT_EQ(t.list()[0].group_state, "Empty");
  EXPECT_EQ(t.list()[0].protocol_type, "");
  EXPECT_EQ(t.committed("simple", "orders", 1), 42);
  t.expect_log_tells_all();
}

TEST(Shard, IsRebuiltFromItsLogAtAnyTime) {
  TestShard t;
  const std::string member = t.settle_classic("classic");
  EXPECT_EQ(t.commit("classic", "orders", 0, 5, {.member_id = member, .epoch = 1}), ErrorCode::none);
  t.expect_log_tells_all();
  const auto joined = t.beat("consumers", "m", 0);
  EXPECT_EQ(t.commit("consumers", "orders", 0, 6, {.member_id = "m", .epoch = joined.member_epoch}), ErrorCode::none);
  t.expect_log_tells_all();
  t.commit("simple", "payments", 1, 7);
  t.expect_log_tells_all();
  EXPECT_EQ(t.leave_classic("classic", member), ErrorCode::none);
  t.expect_log_tells_all();
  EXPECT_EQ(t.beat("consumers", "m", -1).error_code, ErrorCode::none);
  t.expect_log_tells_all();
  EXPECT_EQ(t.delete_group("consumers"), ErrorCode::none);
  t.expect_log_tells_all();
  EXPECT_EQ(t.delete_group("classic"), ErrorCode::none);
  EXPECT_EQ(t.delete_group("simple"), ErrorCode::none);
  EXPECT_TRUE(t.list().empty());
  EXPECT_TRUE(t.compacted().empty());  // nothing is left behind
}

TEST(Shard, GroupThatChangesItsKindIsOneGroupInTheLog) {
  TestShard t;
  const std::string member = t.settle_classic("g");
  EXPECT_EQ(t.commit("g", "orders", 0, 5, {.member_id = member, .epoch = 1}), ErrorCode::none);
  EXPECT_EQ(t.leave_classic("g", member), ErrorCode::none);
  EXPECT_EQ(t.beat("g", "m", 0).error_code, ErrorCode::none);
  ASSERT_EQ(t.list().size(), 1u);
  EXPECT_EQ(t.list()[0].group_type, "consumer");
  EXPECT_EQ(t.committed("g", "orders"), 5);
  t.expect_log_tells_all();
  EXPECT_EQ(t.beat("g", "m", -1).error_code, ErrorCode::none);
  t.settle_classic("g");
  ASSERT_EQ(t.list().size(), 1u);
  EXPECT_EQ(t.list()[0].group_type, "classic");
  EXPECT_EQ(t.committed("g", "orders"), 5);
  t.expect_log_tells_all();
}

TEST(Shard, LogThatIsDamagedIsReadAsFarAsItMakesSense) {
  TestShard t;
  t.settle_classic("classic");
  t.beat("consumers", "m", 0);
  t.commit("simple", "orders", 0, 7);
  for (std::size_t damaged = 0; damaged < t.log.size(); ++damaged) {
    Shard again(t.environment);
    for (std::size_t i = 0; i < t.log.size(); ++i) {
      if (i != damaged) {
        TestShard::replay(again, t.log[i]);
        continue;
      }
      const std::string key = t.log[i].key.substr(0, t.log[i].key.size() - 1);
      EXPECT_FALSE(again.replay(base::as_bytes(key), {}).ok());
    }
    Effects effects;
    again.loaded(t.now, effects);
    EXPECT_LE(again.group_count(), 3u);
    EXPECT_GE(again.group_count(), 2u);
  }
}

TEST(Shard, OneMemberWhoseRecordsAreInAnyOrderIsNoBug) {
  TestShard t;
  t.beat("g", "m", 0);
  t.beat("g", "n", 0);
  std::vector<LogRecord> backwards = t.log;
  std::ranges::reverse(backwards);
  t.read_again(backwards);  // a log that no coordinator wrote: only not to fall over
}

TEST(Shard, GroupWithMembersIsNotDeletedAndItsOffsetsStay) {
  TestShard t;
  const std::string member = t.settle_classic("g");
  t.commit("g", "orders", 0, 5, {.member_id = member, .epoch = 1});
  EXPECT_EQ(t.delete_group("g"), ErrorCode::non_empty_group);
  EXPECT_EQ(t.committed("g", "orders"), 5);
}

TEST(Shard, OffsetsOfTopicsSubscribedToAreNotDeleted) {
  TestShard t;
  const std::string member = t.settle_classic("g");
  const Committer claim{.member_id = member, .epoch = 1};
  t.commit("g", "orders", 0, 5, claim);
  t.commit("g", "payments", 0, 6, claim);
  const auto remove = [&](const std::string& topic) {
    return t.step(OffsetDeleteRequest{"g", {{topic, {{0}}}}}).topics.at(0).partitions.at(0).error_code;
  };
  EXPECT_EQ(remove("orders"), ErrorCode::group_subscribed_to_topic);
  EXPECT_EQ(remove("payments"), ErrorCode::none);
  EXPECT_EQ(t.committed("g", "orders"), 5);
  EXPECT_EQ(t.committed("g", "payments"), -1);
  t.expect_log_tells_all();
}

TEST(ShardExpiry, OffsetsOfWhoOnlyCommitsAgeFromTheCommit) {
  TestShard t;
  t.commit("simple", "orders", 0, 1);
  t.advance(6 * minute_ms);
  t.commit("simple", "orders", 1, 2);
  t.advance(4 * minute_ms);
  EXPECT_TRUE(t.expire());
  EXPECT_EQ(t.committed("simple", "orders", 0), -1);
  EXPECT_EQ(t.committed("simple", "orders", 1), 2);
  t.expect_log_tells_all();
  t.advance(6 * minute_ms);
  t.expire();
  EXPECT_TRUE(t.list().empty());
  EXPECT_TRUE(t.compacted().empty());
}

TEST(ShardExpiry, OffsetsAgeSinceTheGroupBecameEmptyNotBefore) {
  TestShard t;
  const std::string member = t.settle_classic("g");
  t.commit("g", "orders", 0, 1, {.member_id = member, .epoch = 1});
  for (int i = 0; i < 200; ++i) {  // alive for a long time
    t.advance(9'000);
    EXPECT_EQ(t.step(protocol::HeartbeatRequest{"g", 1, member, {}}).error_code, ErrorCode::none);
  }
  t.expire();
  EXPECT_EQ(t.committed("g", "orders"), 1);
  t.leave_classic("g", member);
  t.advance(9 * minute_ms);
  t.expire();
  EXPECT_EQ(t.committed("g", "orders"), 1);
  t.advance(minute_ms);
  t.expire();
  EXPECT_EQ(t.committed("g", "orders"), -1);
  EXPECT_TRUE(t.list().empty());
}

TEST(ShardExpiry, TopicsNoLongerSubscribedToAgeFromTheCommitWhileMembersAreThere) {
  TestShard t;
  auto answer = t.beat("g", "m", 0);
  const Committer claim{.member_id = "m", .epoch = answer.member_epoch};
  EXPECT_EQ(t.commit("g", "orders", 0, 1, claim), ErrorCode::none);
  EXPECT_EQ(t.commit("g", "payments", 0, 2, claim), ErrorCode::none);
  for (int i = 0; i < 20; ++i) {
    t.advance(30'000);
    EXPECT_EQ(t.beat("g", "m", answer.member_epoch).error_code, ErrorCode::none);
  }
  t.expire();
  EXPECT_EQ(t.committed("g", "orders"), 1);
  EXPECT_EQ(t.committed("g", "payments"), -1);
}

TEST(ShardExpiry, RetentionAskedForByTheClientCounts) {
  TestShard t;
  t.commit("g", "orders", 0, 1, {.version = 4}, minute_ms);
  t.commit("g", "orders", 1, 2, {.version = 4}, 60 * minute_ms);
  t.expect_log_tells_all();
  t.advance(minute_ms);
  t.expire();
  EXPECT_EQ(t.committed("g", "orders", 0), -1);
  t.advance(50 * minute_ms);
  t.expire();
  EXPECT_EQ(t.committed("g", "orders", 1), 2);
}

TEST(ShardExpiry, ComesInPortionsAndAClockSetBackExpiresNothing) {
  TestShard t;
  for (int i = 0; i < 50; ++i) t.commit("g" + std::to_string(i), "orders", 0, i);
  t.now.wall_ms -= 1'000 * minute_ms;
  EXPECT_TRUE(t.expire());
  EXPECT_EQ(t.shard->group_count(), 50u);
  t.now.wall_ms += 1'010 * minute_ms;
  int steps = 1;
  while (!t.expire(10)) ++steps;
  EXPECT_GE(steps, 5);
  EXPECT_EQ(t.shard->group_count(), 0u);
  EXPECT_EQ(t.shard->offset_count(), 0u);
}

TEST(ShardTopics, OffsetsOfATopicThatIsGoneGo) {
  TestShard t;
  t.commit("g", "orders", 0, 1);
  t.commit("g", "payments", 0, 2);
  t.catalog.remove("orders");
  t.forget_removed_topics();
  EXPECT_EQ(t.committed("g", "orders"), -1);
  EXPECT_EQ(t.committed("g", "payments"), 2);
  t.expect_log_tells_all();
}

TEST(ShardTopics, TopicMadeAnewUnderTheSameNameHasNoOffsets) {
  TestShard t;
  t.commit("g", "orders", 0, 1);
  t.catalog.remove("orders");
  t.catalog.put("orders", 4);
  t.forget_removed_topics();
  EXPECT_EQ(t.committed("g", "orders"), -1);
}

TEST(ShardTime, TimersOfManyGroupsAreOneAndOnlyTheirOwnGroupIsDisturbed) {
  TestShard t;
  EXPECT_EQ(t.shard->wake_at_ms(), never);
  t.settle_classic("a");
  t.advance(5'000);
  const std::string b = t.settle_classic("b");
  t.advance(5'000);  // a's session of 10 s is over
  EXPECT_EQ(t.shard->describe_classic("a").group_state, "Empty");
  EXPECT_EQ(t.shard->describe_classic("b").group_state, "Stable");
  EXPECT_EQ(t.step(protocol::HeartbeatRequest{"b", 1, b, {}}).error_code, ErrorCode::none);
  t.expect_log_tells_all();
}

}  // namespace
}  // namespace cms::coordinator
