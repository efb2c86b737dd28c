// SPDX-License-Identifier: Apache-2.0
// Committed offsets over the wire: who may commit, what comes back, how long it stays.
#include <thread>

#include "tests/broker_test.h"
#include "tests/group_requests.h"

namespace cms::tests {
namespace {

class GroupOffsetsTest : public ::testing::Test {
 public:
  static void SetUpTestSuite() {
    broker_ = std::make_unique<BrokerProcess>(BrokerSetup{
        .settings = {"core.count=2", "group.min.session.timeout.ms=100", "group.initial.rebalance.delay.ms=0",
                     "group.consumer.min.heartbeat.interval.ms=100", "group.consumer.heartbeat.interval.ms=100"}});
    Wire wire(broker_->port());
    await_coordinator(wire, "any");
  }
  static void TearDownTestSuite() {
    if (!broker_) return;
    EXPECT_EQ(broker_->stop(), 0) << broker_->log();
    broker_.reset();
  }

 protected:
  // Of the case that runs, as group and as topic.
  static std::string name() { return ::testing::UnitTest::GetInstance()->current_test_info()->name(); }
  static std::uint16_t port() { return broker_->port(); }

  Wire wire_{broker_->port()};

 private:
  static inline std::unique_ptr<BrokerProcess> broker_;
};

TEST_F(GroupOffsetsTest, MetadataAndLeaderEpochComeBackUnchangedInEveryVersion) {
  const base::Uuid id = create_topic(wire_, name(), 2);
  for (Version version = 2; version <= protocol::OffsetCommitRequest::versions.last; ++version) {
    const std::string metadata = "of version " + std::to_string(version);
    auto request = commit_request(name(), name(), 1, 1000 + version);
    request.topics[0].topic_id = id;
    request.topics[0].partitions[0].committed_leader_epoch = version;
    request.topics[0].partitions[0].committed_metadata = metadata;
    const auto answer = wire_.call(request, version).topics.at(0);
    EXPECT_EQ(answer.partitions.at(0).error_code, ErrorCode::none) << version;
    const CommittedAnswer found = committed_of(wire_, name(), name(), 1);
    EXPECT_EQ(found.committed_offset, 1000 + version);
    EXPECT_EQ(found.metadata, metadata);
    EXPECT_EQ(found.committed_leader_epoch, version < 6 ? -1 : version);
  }
  for (Version version = 1; version <= protocol::OffsetFetchRequest::versions.last; ++version) {
    protocol::OffsetFetchRequest request;
    request.group_id = name();
    request.topics.emplace().push_back({.name = name(), .topic_id = id, .partition_indexes = {1}});
    request.groups.push_back({.group_id = name(), .member_id = {}, .member_epoch = -1, .topics = request.topics});
    const auto response = wire_.call(request, version);
    const auto& topics = version < 8 ? response.topics : response.groups.at(0).topics;
    EXPECT_EQ(topics.at(0).partitions.at(0).committed_offset, 1010) << version;
    EXPECT_EQ(topics.at(0).partitions.at(0).metadata, "of version 10") << version;
  }
}

TEST_F(GroupOffsetsTest, MetadataOverTheLimitIsRefusedForItsPartitionOnly) {
  create_topic(wire_, name(), 2);
  auto request = commit_request(name(), name(), 0, 1);
  request.topics[0].partitions.push_back(request.topics[0].partitions[0]);
  request.topics[0].partitions[0].committed_metadata = std::string(4097, 'm');
  request.topics[0].partitions[1].partition_index = 1;
  request.topics[0].partitions[1].committed_metadata = std::string(4096, 'm');
  const auto answer = wire_.call(request, 9).topics.at(0).partitions;
  EXPECT_EQ(answer.at(0).error_code, ErrorCode::offset_metadata_too_large);
  EXPECT_EQ(answer.at(1).error_code, ErrorCode::none);
  EXPECT_EQ(committed(wire_, name(), name(), 0), -1);
  EXPECT_EQ(committed_of(wire_, name(), name(), 1).metadata, std::string(4096, 'm'));
}

TEST_F(GroupOffsetsTest, UnknownTopicsPartitionsAndIdsFailOnlyThemselves) {
  create_topic(wire_, name());
  auto request = commit_request(name(), "nobody", 0, 1);
  request.topics.push_back(commit_request(name(), name(), 0, 5).topics[0]);
  request.topics.push_back(commit_request(name(), name(), 1, 5).topics[0]);
  std::map<std::pair<std::string, std::int32_t>, ErrorCode> errors;
  for (const auto& topic : wire_.call(request, 9).topics) {
    for (const auto& partition : topic.partitions)
      errors[{topic.name, partition.partition_index}] = partition.error_code;
  }
  EXPECT_EQ((errors[{"nobody", 0}]), ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ((errors[{name(), 0}]), ErrorCode::none);
  EXPECT_EQ((errors[{name(), 1}]), ErrorCode::unknown_topic_or_partition);
  auto by_id = commit_request(name(), "", 0, 6);
  by_id.topics[0].topic_id.bytes[3] = std::byte{7};
  EXPECT_EQ(wire_.call(by_id, 10).topics.at(0).partitions.at(0).error_code, ErrorCode::unknown_topic_id);
  EXPECT_EQ(committed(wire_, name(), name()), 5);
}

TEST_F(GroupOffsetsTest, WhatWasNeverCommittedIsMinusOneWithoutErrorAlsoOfUnknownGroups) {
  create_topic(wire_, name());
  const CommittedAnswer unknown = committed_of(wire_, "nobody-" + name(), name());
  EXPECT_EQ(unknown.error_code, ErrorCode::none);
  EXPECT_EQ(unknown.committed_offset, -1);
  EXPECT_EQ(unknown.committed_leader_epoch, -1);
  EXPECT_EQ(unknown.metadata, "");
  EXPECT_EQ(committed_of(wire_, name(), "no such topic", 17).committed_offset, -1);
  EXPECT_TRUE(fetch_offsets(wire_, "nobody-" + name()).topics.empty());
}

TEST_F(GroupOffsetsTest, AllThatIsCommittedOfSeveralGroupsIsFetchedAtOnce) {
  create_topic(wire_, name(), 3);
  const std::string other = "other-" + name();
  for (std::int32_t i = 0; i < 3; ++i) ASSERT_EQ(commit(wire_, name(), name(), i, i), ErrorCode::none);
  ASSERT_EQ(commit(wire_, other, name(), 0, 50), ErrorCode::none);
  protocol::OffsetFetchRequest request;
  for (const std::string& group : {name(), other, "nobody-" + name()})
    request.groups.push_back({.group_id = group, .member_id = {}, .member_epoch = -1, .topics = {}});
  const auto groups = wire_.call(request, 9).groups;
  ASSERT_EQ(groups.size(), 3u);
  EXPECT_EQ(groups[0].topics.at(0).partitions.size(), 3u);
  EXPECT_EQ(groups[1].topics.at(0).partitions.at(0).committed_offset, 50);
  EXPECT_TRUE(groups[2].topics.empty());
  EXPECT_EQ(groups[2].error_code, ErrorCode::none);
}

TEST_F(GroupOffsetsTest, OutsidersMayCommitOnlyWhileTheGroupHasNoMembers) {
  create_topic(wire_, name());
  EXPECT_EQ(commit(wire_, name(), name(), 0, 1), ErrorCode::none);
  ClassicMember member(port(), {.group = name()});
  settle({&member});
  EXPECT_EQ(commit(wire_, name(), name(), 0, 2), ErrorCode::unknown_member_id);
  EXPECT_EQ(member.commit(name(), 0, 3), ErrorCode::none);
  EXPECT_EQ(commit(wire_, name(), name(), 0, 4, {"stranger", member.generation(), {}}), ErrorCode::unknown_member_id);
  EXPECT_EQ(commit(wire_, name(), name(), 0, 4, {member.id(), member.generation() + 1, {}}),
            ErrorCode::illegal_generation);
  EXPECT_EQ(committed(wire_, name(), name()), 3);
  EXPECT_EQ(member.leave(), ErrorCode::none);
  EXPECT_EQ(commit(wire_, name(), name(), 0, 5), ErrorCode::none);
}

TEST_F(GroupOffsetsTest, CommitWhileTheAssignmentIsAwaitedIsToldOfTheRebalance) {
  create_topic(wire_, name());
  ClassicMember member(port(), {.group = name()});
  member.send_join();
  member.receive_join();
  EXPECT_EQ(member.commit(name(), 0, 3), ErrorCode::rebalance_in_progress);
  member.send_sync({{member.id(), "all"}});
  EXPECT_EQ(member.receive_sync().error_code, ErrorCode::none);
  EXPECT_EQ(member.commit(name(), 0, 3), ErrorCode::none);
}

TEST_F(GroupOffsetsTest, EpochOfAConsumerGroupsMemberIsChecked) {
  create_topic(wire_, name());
  ConsumerMember member(name(), "m", {name()});
  settle(wire_, {&member}, 1);
  EXPECT_EQ(commit(wire_, name(), name(), 0, 1, member.claim()), ErrorCode::none);
  EXPECT_EQ(commit(wire_, name(), name(), 0, 2, {"m", member.epoch() + 1, {}}), ErrorCode::stale_member_epoch);
  protocol::OffsetFetchRequest request;
  request.groups.push_back({.group_id = name(), .member_id = "m", .member_epoch = member.epoch() + 1, .topics = {}});
  EXPECT_EQ(wire_.call(request, 9).groups.at(0).error_code, ErrorCode::stale_member_epoch);
  request.groups[0].member_epoch = member.epoch();
  EXPECT_EQ(wire_.call(request, 9).groups.at(0).error_code, ErrorCode::none);
  EXPECT_EQ(committed(wire_, name(), name()), 1);
}

TEST_F(GroupOffsetsTest, OffsetsOfATopicSubscribedToAreNotDeleted) {
  create_topic(wire_, name());
  const auto remove = [&] {
    protocol::OffsetDeleteRequest request;
    request.group_id = name();
    request.topics.push_back({name(), {{0}}});
    const auto response = wire_.call(request);
    return response.error_code != ErrorCode::none ? response.error_code
                                                  : response.topics.at(0).partitions.at(0).error_code;
  };
  EXPECT_EQ(remove(), ErrorCode::group_id_not_found);
  ConsumerMember member(name(), "m", {name()});
  settle(wire_, {&member}, 1);
  ASSERT_EQ(commit(wire_, name(), name(), 0, 1, member.claim()), ErrorCode::none);
  EXPECT_EQ(remove(), ErrorCode::group_subscribed_to_topic);
  EXPECT_EQ(committed(wire_, name(), name()), 1);
  EXPECT_EQ(member.leave(wire_), ErrorCode::none);
  EXPECT_EQ(remove(), ErrorCode::none);
  EXPECT_EQ(committed(wire_, name(), name()), -1);
}

TEST_F(GroupOffsetsTest, OffsetsOfADeletedTopicAreGoneAndANewTopicOfItsNameHasNone) {
  create_topic(wire_, name());
  ASSERT_EQ(commit(wire_, name(), name(), 0, 9), ErrorCode::none);
  ASSERT_EQ(delete_topic(wire_, name()), ErrorCode::none);
  create_topic(wire_, name());
  for (const std::int64_t end = now_ms() + patience.count(); now_ms() < end && committed(wire_, name(), name()) != -1;)
    std::this_thread::sleep_for(milliseconds(20));
  EXPECT_EQ(committed(wire_, name(), name()), -1);
}

TEST_F(GroupOffsetsTest, TopicOfManyGroupsIsDeletedAndNoneOfThemIsHarmed) {
  create_topic(wire_, name(), 100);
  create_topic(wire_, "kept-" + name());
  for (int g = 0; g < 60; ++g) {
    auto request = commit_request(name() + std::to_string(g), name(), 0, 1);
    for (std::int32_t i = 1; i < 100; ++i) {
      request.topics[0].partitions.push_back(request.topics[0].partitions[0]);
      request.topics[0].partitions.back().partition_index = i;
    }
    request.topics.push_back(commit_request("", "kept-" + name(), 0, g).topics[0]);
    ASSERT_EQ(wire_.call(request, 9).topics.at(0).partitions.at(99).error_code, ErrorCode::none);
  }
  ASSERT_EQ(delete_topic(wire_, name()), ErrorCode::none);
  for (int g = 0; g < 60; ++g) {
    const std::string group = name() + std::to_string(g);
    for (const std::int64_t end = now_ms() + patience.count(); now_ms() < end;) {
      const auto left = fetch_offsets(wire_, group);
      if (left.error_code == ErrorCode::none && left.topics.size() == 1) break;
      std::this_thread::sleep_for(milliseconds(20));
    }
    EXPECT_EQ(fetch_offsets(wire_, group).topics.size(), 1u);
    EXPECT_EQ(committed(wire_, group, "kept-" + name()), g);
  }
}

TEST(FullDiskTest, CommitsAreRefusedAndThoseAcknowledgedCanBeRead) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can mount a small disk";
  const storage::TestDirectory mount;
  const std::vector<std::string> small_disk{
      "/usr/bin/unshare", "-m", "/bin/sh", "-c", "mount -t tmpfs -o size=24m tmpfs \"$0\" && exec \"$@\"",
      mount.path()};
  if (run_program({"/usr/bin/unshare", "-m", "/bin/sh", "-c", "mount -t tmpfs -o size=1m tmpfs \"$0\"", mount.path()})
          .exit_code != 0)
    GTEST_SKIP() << "no mount namespaces here";
  BrokerProcess broker({.settings = {"offsets.topic.num.partitions=1", "offsets.topic.segment.bytes=1048576",
                                     "group.initial.rebalance.delay.ms=0"},
                        .data = mount.path() + "/data",
                        .run_under = small_disk});
  Wire wire(broker.port());
  create_topic(wire, "t", 1, {{"segment.bytes", "1048576"}});
  await_coordinator(wire, "g");
  ASSERT_EQ(commit(wire, "g", "t", 0, 1), ErrorCode::none);
  const Batch batch = batch_of(std::string(300'000, 'x'));
  for (int i = 0; i < 200 && produce(wire, "t", batch).error_code == ErrorCode::none; ++i) {
  }
  // Until the segment that the coordinator has is full too.
  Offset acknowledged = 1;
  ErrorCode error = ErrorCode::none;
  for (int i = 0; i < 2'000 && error == ErrorCode::none; ++i) {
    auto request = commit_request("g", "t", 0, acknowledged + 1);
    request.topics[0].partitions[0].committed_metadata = std::string(4'000, 'm');
    error = wire.call(request, 9).topics.at(0).partitions.at(0).error_code;
    if (error == ErrorCode::none) ++acknowledged;
  }
  EXPECT_EQ(error, ErrorCode::coordinator_not_available) << protocol::name_of(error);
  // What was acknowledged can be read, at once or a little later; never anything else.
  CommittedAnswer answer;
  for (const std::int64_t end = now_ms() + patience.count(); now_ms() < end;) {
    answer = committed_of(wire, "g", "t");
    if (answer.error_code == ErrorCode::none) break;
    EXPECT_TRUE(is_to_retry(answer.error_code)) << protocol::name_of(answer.error_code);
    std::this_thread::sleep_for(milliseconds(20));
  }
  EXPECT_EQ(answer.error_code, ErrorCode::none);
  EXPECT_EQ(answer.committed_offset, acknowledged);
  EXPECT_EQ(listed(wire, "g").group_id, "g");
  EXPECT_EQ(described(wire, "g").group_state, "Empty");
  EXPECT_EQ(commit(wire, "g", "t", 0, acknowledged + 1), ErrorCode::coordinator_not_available);
  EXPECT_EQ(delete_group(wire, "g"), ErrorCode::coordinator_not_available);
  EXPECT_EQ(committed(wire, "g", "t"), acknowledged);
  EXPECT_TRUE(serves(broker.port()));
  EXPECT_NE(broker.log().find("remedy"), std::string::npos);
}

TEST(OffsetExpiryTest, OffsetsOfAGroupWithoutMembersGoWithTheirGroupAndThoseOfOthersStay) {
  BrokerProcess broker({.settings = {"offsets.retention.minutes=1", "offsets.retention.check.interval.ms=200",
                                     "group.initial.rebalance.delay.ms=0"}});
  Wire wire(broker.port());
  create_topic(wire, "t");
  await_coordinator(wire, "old");
  // Asked for by a client of an old version: a retention of its own.
  auto request = commit_request("old", "t", 0, 5);
  request.retention_time_ms = 500;
  ASSERT_EQ(wire.call(request, 4).topics.at(0).partitions.at(0).error_code, ErrorCode::none);
  ASSERT_EQ(commit(wire, "new", "t", 0, 6), ErrorCode::none);
  for (const std::int64_t end = now_ms() + patience.count(); now_ms() < end && !listed(wire, "old").group_id.empty();)
    std::this_thread::sleep_for(milliseconds(100));
  EXPECT_EQ(listed(wire, "old").group_id, "");
  EXPECT_EQ(committed(wire, "old", "t"), -1);
  EXPECT_EQ(committed(wire, "new", "t"), 6);
}

}  // namespace
}  // namespace cms::tests
