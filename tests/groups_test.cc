// SPDX-License-Identifier: Apache-2.0
// Groups over the wire: finding the coordinator, membership on both protocols, what tools are shown, and many members.
#include <set>
#include <thread>

#include "broker/groups/offsets_topic.h"
#include "tests/broker_test.h"
#include "tests/group_requests.h"

namespace cms::tests {
namespace {

class GroupsTest : public ::testing::Test {
 public:
  static void SetUpTestSuite() {
    broker_ = std::make_unique<BrokerProcess>(BrokerSetup{
        .settings = {"core.count=2", "group.min.session.timeout.ms=100", "group.initial.rebalance.delay.ms=200",
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
  static std::uint16_t port() { return broker_->port(); }

  // Of the case that runs, as group and as topic.
  static std::string name() { return ::testing::UnitTest::GetInstance()->current_test_info()->name(); }

  std::vector<std::unique_ptr<ClassicMember>> make_members(int count, ClassicMember::Setup setup = {}) {
    if (setup.group.empty()) setup.group = name();
    std::vector<std::unique_ptr<ClassicMember>> members;
    for (int i = 0; i < count; ++i) members.push_back(std::make_unique<ClassicMember>(port(), setup));
    return members;
  }
  static std::vector<ClassicMember*> pointers(const std::vector<std::unique_ptr<ClassicMember>>& members) {
    std::vector<ClassicMember*> all;
    for (const auto& member : members) all.push_back(member.get());
    return all;
  }

  Wire wire_{broker_->port()};

 private:
  static inline std::unique_ptr<BrokerProcess> broker_;
};

TEST(FindCoordinatorTest, InternalTopicComesIntoBeingOnFirstNeed) {
  BrokerProcess broker({.settings = {"offsets.topic.num.partitions=3"}});
  Wire wire(broker.port());
  EXPECT_EQ(metadata_of(wire, "__consumer_offsets").error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(commit(wire, "g", "t", 0, 1), ErrorCode::unknown_topic_or_partition);
  create_topic(wire, "t");
  EXPECT_EQ(commit(wire, "g", "t", 0, 1), ErrorCode::not_coordinator);  // nobody has asked where it is
  await_coordinator(wire, "g");
  const auto shown = metadata_of(wire, "__consumer_offsets");
  EXPECT_EQ(shown.error_code, ErrorCode::none);
  EXPECT_TRUE(shown.is_internal);
  EXPECT_EQ(shown.partitions.size(), 3u);
  EXPECT_EQ(commit(wire, "g", "t", 0, 1), ErrorCode::none);
}

TEST_F(GroupsTest, CoordinatorIsFoundByEveryVersionOneKeyOrSeveral) {
  protocol::FindCoordinatorRequest request;
  for (Version version = 0; version <= 3; ++version) {
    request.key = "anything";
    const auto response = wire_.call(request, version);
    EXPECT_EQ(response.error_code, ErrorCode::none) << version;
    EXPECT_EQ(response.port, port()) << version;
  }
  request.key.clear();
  request.coordinator_keys = {"one", "two", "three"};
  for (Version version = 4; version <= protocol::FindCoordinatorRequest::versions.last; ++version) {
    const auto response = wire_.call(request, version);
    ASSERT_EQ(response.coordinators.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(response.coordinators[i].key, request.coordinator_keys[i]);
      EXPECT_EQ(response.coordinators[i].error_code, ErrorCode::none);
      EXPECT_EQ(response.coordinators[i].port, port());
    }
  }
}

TEST_F(GroupsTest, MembersSettleAndAreDescribedListedAndLeave) {
  auto members = make_members(3);
  settle(pointers(members));
  const auto shown = described(wire_, name());
  EXPECT_EQ(shown.group_state, "Stable");
  EXPECT_EQ(shown.protocol_type, "consumer");
  EXPECT_EQ(shown.protocol_data, "range");
  ASSERT_EQ(shown.members.size(), 3u);
  for (const auto& member : shown.members) {
    EXPECT_EQ(member.client_id, "wire");
    EXPECT_EQ(member.client_host, "/127.0.0.1");
    EXPECT_EQ(base::as_text(member.member_metadata.bytes().span()), "metadata+");
    EXPECT_EQ(base::as_text(member.member_assignment.bytes().span()), member.member_id);
  }
  const auto in_list = listed(wire_, name());
  EXPECT_EQ(in_list.protocol_type, "consumer");
  EXPECT_EQ(in_list.group_state, "Stable");
  EXPECT_EQ(in_list.group_type, "classic");
  EXPECT_EQ(delete_group(wire_, name()), ErrorCode::non_empty_group);
  for (auto& member : members) EXPECT_EQ(member->leave(), ErrorCode::none);
  EXPECT_EQ(described(wire_, name()).group_state, "Empty");
  EXPECT_EQ(delete_group(wire_, name()), ErrorCode::none);
  EXPECT_EQ(delete_group(wire_, name()), ErrorCode::group_id_not_found);
}

TEST_F(GroupsTest, UnknownGroupIsDeadWithoutErrorUntilVersionSix) {
  for (Version version = 0; version <= 6; ++version) {
    const auto shown = described(wire_, name(), version);
    EXPECT_EQ(shown.group_state, "Dead") << version;
    EXPECT_EQ(shown.error_code, version < 6 ? ErrorCode::none : ErrorCode::group_id_not_found) << version;
  }
}

TEST_F(GroupsTest, ListIsFilteredByStateAndType) {
  auto members = make_members(1);
  settle(pointers(members));
  const auto lists = [&](std::vector<std::string> states, std::vector<std::string> types) {
    protocol::ListGroupsRequest request;
    request.states_filter = std::move(states);
    request.types_filter = std::move(types);
    for (const auto& group : wire_.call(request).groups)
      if (group.group_id == name()) return true;
    return false;
  };
  EXPECT_TRUE(lists({}, {}));
  EXPECT_TRUE(lists({"Stable"}, {"classic"}));
  EXPECT_TRUE(lists({"Empty", "stable"}, {}));
  EXPECT_FALSE(lists({"Empty"}, {}));
  EXPECT_FALSE(lists({}, {"consumer"}));
}

TEST_F(GroupsTest, GroupIdsOfEveryOddShapeAreGroupsOfTheirOwn) {
  create_topic(wire_, name());
  std::vector<std::string> ids{" ",
                               "a/b",
                               "..",
                               std::string("null\0inside", 11),
                               "\xc3\xa9t\xc3\xa9",
                               "\xf0\x9f\x90\x99",
                               std::string(10'000, 'x'),
                               "%s%n",
                               "line\nbreak",
                               "-1"};
  Offset offset = 100;
  for (const std::string& id : ids) EXPECT_EQ(commit(wire_, id, name(), 0, ++offset), ErrorCode::none) << id;
  offset = 100;
  for (const std::string& id : ids) {
    EXPECT_EQ(committed(wire_, id, name()), ++offset) << id;
    EXPECT_EQ(listed(wire_, id).group_id, id);
    EXPECT_EQ(delete_group(wire_, id), ErrorCode::none) << id;
  }
  EXPECT_EQ(delete_group(wire_, ""), ErrorCode::invalid_group_id);
  // Bytes that are no text: refused or served, but nobody else is harmed.
  commit(wire_, "\xff\xfe", name(), 0, 1);
  EXPECT_TRUE(serves(port()));
}

TEST_F(GroupsTest, PartitionOfAGroupIsJavasHashOfItsId) {
  create_topic(wire_, name());
  std::vector<Offset> ends;
  const std::string group = "g\xc3\xa4ste-\xf0\x9f\x90\x99";
  const std::int32_t wanted = broker::partition_of_group(group, 50);
  const Offset before = end_offset(wire_, "__consumer_offsets", wanted);
  ASSERT_EQ(commit(wire_, group, name(), 0, 77), ErrorCode::none);
  const auto found = read_all(wire_, "__consumer_offsets", before, wanted);
  ASSERT_FALSE(found.empty());
  EXPECT_NE(found.back().key.find(group), std::string::npos);
}

TEST_F(GroupsTest, OffsetsTopicIsReadableAndCompacted) {
  create_topic(wire_, name());
  ASSERT_EQ(commit(wire_, name(), name(), 0, 4711), ErrorCode::none);
  EXPECT_EQ(metadata_of(wire_, "__consumer_offsets").partitions.size(), 50u);
  const auto records = read_all(wire_, "__consumer_offsets", 0, broker::partition_of_group(name(), 50));
  ASSERT_FALSE(records.empty());
  // Kafka's key of a commit: type 1, group, topic, partition, each text with its length in two bytes.
  const auto size = static_cast<char>(name().size());
  const std::string key =
      std::string("\0\1\0", 3) + size + name() + std::string("\0", 1) + size + name() + std::string(4, '\0');
  const auto& record = *std::ranges::find(records, key, &ReadRecord::key);
  ASSERT_EQ(record.key, key);
  // Version 4 begins with the offset in eight bytes.
  EXPECT_EQ(record.value.substr(0, 10), std::string("\0\4\0\0\0\0\0\0\x12\x67", 10));
}

TEST_F(GroupsTest, RebalanceOfOneGroupDelaysNoOther) {
  create_topic(wire_, name());
  auto members = make_members(1);
  settle(pointers(members));
  ClassicMember newcomer(port(), {.group = name()});
  newcomer.send_join();  // waits for the other one to join again
  // Groups of every shard, the same one among them.
  for (int i = 0; i < 100; ++i) {
    const std::string other = "other-" + std::to_string(i);
    const std::int64_t before = now_ms();
    ASSERT_EQ(commit(wire_, other, name(), 0, i), ErrorCode::none);
    ASSERT_EQ(committed(wire_, other, name()), i);
    ASSERT_LT(now_ms() - before, 10'000);
  }
  EXPECT_TRUE(newcomer.wire().is_quiet(milliseconds(50)));
  EXPECT_EQ(members[0]->heartbeat(), ErrorCode::rebalance_in_progress);
  members[0]->send_join();
  EXPECT_EQ(members[0]->receive_join().error_code, ErrorCode::none);
  EXPECT_EQ(newcomer.receive_join().error_code, ErrorCode::none);
}

TEST_F(GroupsTest, FrozenClientIsDroppedAndWhatItSendsLaterIsRefused) {
  create_topic(wire_, name());
  ClassicMember frozen(port(), {.group = name(), .session_timeout_ms = 500, .rebalance_timeout_ms = 500});
  settle({&frozen});
  const Claim before = frozen.claim();
  for (const std::int64_t end = now_ms() + patience.count(); now_ms() < end;) {
    if (described(wire_, name()).group_state == "Empty") break;
    std::this_thread::sleep_for(milliseconds(50));
  }
  ClassicMember other(port(), {.group = name()});
  settle({&other});
  EXPECT_EQ(frozen.heartbeat(), ErrorCode::unknown_member_id);
  EXPECT_EQ(commit(wire_, name(), name(), 0, 5, before), ErrorCode::unknown_member_id);
  frozen.send_sync();
  EXPECT_EQ(frozen.receive_sync().error_code, ErrorCode::unknown_member_id);
  EXPECT_EQ(other.heartbeat(), ErrorCode::none);
  EXPECT_EQ(committed(wire_, name(), name()), -1);
}

TEST_F(GroupsTest, WhatIsLeftOfAFormerGenerationIsRefused) {
  create_topic(wire_, name());
  auto members = make_members(2);
  settle(pointers(members));
  const Claim before = members[0]->claim();
  settle(pointers(members));
  ASSERT_GT(members[0]->generation(), before.generation);
  EXPECT_EQ(commit(wire_, name(), name(), 0, 5, before), ErrorCode::illegal_generation);
  const protocol::HeartbeatRequest late{name(), before.generation, before.member_id, {}};
  EXPECT_EQ(wire_.call(late).error_code, ErrorCode::illegal_generation);
  protocol::SyncGroupRequest sync;
  sync.group_id = name();
  sync.generation_id = before.generation;
  sync.member_id = before.member_id;
  sync.protocol_type = "consumer";
  sync.protocol_name = "range";
  EXPECT_EQ(wire_.call(sync).error_code, ErrorCode::illegal_generation);
  EXPECT_EQ(members[0]->heartbeat(), ErrorCode::none);
}

TEST_F(GroupsTest, ConnectionLostInAJoinHarmsNobody) {
  auto members = make_members(1);
  settle(pointers(members));
  {
    ClassicMember gone(port(), {.group = name(), .session_timeout_ms = 500, .rebalance_timeout_ms = 60'000});
    gone.send_join();
    EXPECT_TRUE(gone.wire().is_quiet(milliseconds(50)));
  }
  members[0]->send_join();
  EXPECT_EQ(members[0]->receive_join().error_code, ErrorCode::none);
  EXPECT_EQ(members[0]->joined().members.size(), 2u);  // nobody can tell that it is gone
  members[0]->send_sync({});
  EXPECT_EQ(members[0]->receive_sync().error_code, ErrorCode::none);
  for (const std::int64_t end = now_ms() + patience.count(); now_ms() < end;) {
    if (members[0]->heartbeat() == ErrorCode::rebalance_in_progress) break;
    std::this_thread::sleep_for(milliseconds(50));
  }
  settle(pointers(members));
  EXPECT_EQ(members[0]->joined().members.size(), 1u);
}

TEST_F(GroupsTest, StormOfJoinsSettlesAndOthersAreServed) {
  create_topic(wire_, name());
  // Everybody joins again and again, without waiting for the answer.
  std::vector<Wire> storm;
  for (int i = 0; i < 30; ++i) storm.emplace_back(port());
  protocol::JoinGroupRequest request;
  request.group_id = name();
  request.session_timeout_ms = 300;
  request.rebalance_timeout_ms = 300;
  request.protocol_type = "consumer";
  request.protocols.push_back({"range", base::as_bytes(std::string_view("metadata"))});
  for (int round = 0; round < 20; ++round) {
    for (Wire& wire : storm) wire.send(request, round % 2 == 0 ? Version{9} : Version{3});
    ASSERT_EQ(commit(wire_, "calm", name(), 0, round), ErrorCode::none);
    ASSERT_EQ(committed(wire_, "calm", name()), round);
  }
  storm.clear();
  auto members = make_members(5);
  std::vector<ClassicMember*> all = pointers(members);
  for (const std::int64_t end = now_ms() + patience.count(); now_ms() < end;) {
    if (described(wire_, name()).members.empty()) break;
    std::this_thread::sleep_for(milliseconds(50));
  }
  settle(all);
  EXPECT_EQ(described(wire_, name()).members.size(), 5u);
}

TEST_F(GroupsTest, HundredMembersSettleAndRebalanceAsTheyGo) {
  auto members = make_members(100);
  settle(pointers(members));
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(members.back()->leave(), ErrorCode::none);
    members.pop_back();
  }
  EXPECT_EQ(members[0]->heartbeat(), ErrorCode::rebalance_in_progress);
  settle(pointers(members));
  EXPECT_EQ(described(wire_, name()).members.size(), 50u);
  std::set<std::string> ids;
  for (const auto& member : members) ids.insert(member->id());
  EXPECT_EQ(ids.size(), 50u);
}

TEST_F(GroupsTest, FiveThousandMembersJoinOneGroupInBoundedTimeWhileOthersAreServed) {
  create_topic(wire_, name());
  auto members = make_members(5000);
  const std::int64_t begin = now_ms();
  std::atomic<bool> joining{true};
  std::atomic<std::int64_t> slowest_ms{0};
  std::thread other([&] {
    Wire wire(port());
    for (Offset i = 0; joining; ++i) {
      const std::int64_t before = now_ms();
      if (commit(wire, "other", name(), 0, i) != ErrorCode::none) slowest_ms = INT64_MAX;
      slowest_ms = std::max(slowest_ms.load(), now_ms() - before);
    }
  });
  settle(pointers(members));
  joining = false;
  other.join();
  const std::int64_t took = now_ms() - begin;
  RecordProperty("settled_ms", static_cast<int>(took));
  RecordProperty("slowest_other_ms", static_cast<int>(slowest_ms));
  EXPECT_LT(took, patience.count());
  EXPECT_LT(slowest_ms, 5'000);
  EXPECT_EQ(described(wire_, name()).members.size(), 5000u);
  std::cout << "5,000 members settled in " << took << " ms; the slowest commit of another group took " << slowest_ms
            << " ms\n";
}

TEST_F(GroupsTest, ConsumerGroupIsDescribedListedAndDeletedAsWhatItIs) {
  create_topic(wire_, name(), 4);
  ConsumerMember first(name(), "first", {name()});
  ConsumerMember second(name(), "second", {name()});
  settle(wire_, {&first, &second}, 4);
  EXPECT_EQ(first.partition_count(), 2u);
  EXPECT_EQ(listed(wire_, name()).group_type, "consumer");
  const auto shown = described_consumer(wire_, name());
  EXPECT_EQ(shown.error_code, ErrorCode::none);
  EXPECT_EQ(shown.group_state, "Stable");
  EXPECT_EQ(shown.assignor_name, "uniform");
  ASSERT_EQ(shown.members.size(), 2u);
  EXPECT_EQ(shown.members[0].member_epoch, shown.group_epoch);
  EXPECT_EQ(shown.members[0].client_host, "/127.0.0.1");
  EXPECT_EQ(described(wire_, name()).error_code, ErrorCode::group_id_not_found);  // of the other kind
  EXPECT_EQ(delete_group(wire_, name()), ErrorCode::non_empty_group);
  EXPECT_EQ(first.leave(wire_), ErrorCode::none);
  EXPECT_EQ(second.leave(wire_), ErrorCode::none);
  EXPECT_EQ(described_consumer(wire_, name()).group_state, "Empty");
  EXPECT_EQ(delete_group(wire_, name()), ErrorCode::none);
}

TEST_F(GroupsTest, FiveThousandMembersOfAConsumerGroupShareItsPartitions) {
  constexpr std::size_t partitions = 500;
  create_topic(wire_, name(), partitions);
  std::vector<std::unique_ptr<ConsumerMember>> members;
  for (int i = 0; i < 5000; ++i) {
    members.push_back(std::make_unique<ConsumerMember>(name(), "member-" + std::to_string(i), std::vector{name()}));
  }
  const std::int64_t begin = now_ms();
  bool settled = false;
  while (!settled && now_ms() - begin < patience.count()) {
    std::set<std::int32_t> epochs;
    std::set<std::int32_t> owned;
    std::size_t count = 0;
    // Many at once on one connection, as from many clients.
    for (std::size_t at = 0; at < members.size(); at += 100) {
      for (std::size_t i = at; i < at + 100; ++i) members[i]->send_beat(wire_);
      for (std::size_t i = at; i < at + 100; ++i) ASSERT_EQ(members[i]->receive_beat(wire_), ErrorCode::none);
    }
    for (const auto& member : members) {
      epochs.insert(member->epoch());
      for (const auto& [topic, owned_of_topic] : member->owned()) {
        owned.insert(owned_of_topic.begin(), owned_of_topic.end());
        count += owned_of_topic.size();
      }
    }
    ASSERT_EQ(count, owned.size()) << "a partition has two owners";
    settled = epochs.size() == 1 && count == partitions && described_consumer(wire_, name()).group_state == "Stable";
  }
  EXPECT_TRUE(settled);
  EXPECT_EQ(std::ranges::count_if(members, [](const auto& member) { return member->partition_count() == 1; }), 500);
  std::cout << "5,000 members of a consumer group settled in " << now_ms() - begin << " ms\n";
}

}  // namespace
}  // namespace cms::tests
