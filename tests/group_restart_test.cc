// SPDX-License-Identifier: Apache-2.0
// Groups over kills and stops of the broker: in every state of a rebalance, with commits under way, and with a damaged
// log of the coordinator.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "tests/broker_test.h"
#include "tests/group_requests.h"

namespace cms::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::int32_t partitions = 4;

BrokerSetup group_broker(const std::string& initial_delay_ms) {
  return {.settings = {"core.count=2", "offsets.topic.num.partitions=4", "group.min.session.timeout.ms=100",
                       "group.consumer.heartbeat.interval.ms=100", "group.consumer.min.heartbeat.interval.ms=100",
                       "group.consumer.min.session.timeout.ms=1000", "group.consumer.session.timeout.ms=10000",
                       "group.initial.rebalance.delay.ms=" + initial_delay_ms}};
}

// What the group is doing when the broker dies. Each brings a new group there; offsets 7, 8 ... of its partitions have
// been committed before.
struct ClassicScene {
  std::uint16_t port;
  ClassicMember first{port, {.group = "g"}};
  ClassicMember second{port, {.group = "g"}};

  void settle_first() {
    settle({&first});
    for (std::int32_t i = 0; i < partitions; ++i) ASSERT_EQ(first.commit("t", i, 7 + i), ErrorCode::none);
  }
  void both_join_again() {
    second.send_join();
    first.send_join();
    first.receive_join();
    second.receive_join();
  }
  void settle_both() {
    settle_first();
    second.send_join();
    first.send_join();
    first.receive_join();
    second.receive_join();
    first.send_sync({{first.id(), first.id()}, {second.id(), second.id()}});
    first.receive_sync();
    second.send_sync();
    second.receive_sync();
  }
};

struct ClassicState {
  std::string name;
  std::string state;  // as DescribeGroups says it before the kill
  void (*reach)(ClassicScene& scene);
};

void PrintTo(const ClassicState& state, std::ostream* out) { *out << state.name; }

const ClassicState classic_states[] = {
    {"EmptyWithAnIdGivenOut", "Empty",
     [](ClassicScene& scene) {
       scene.settle_first();
       scene.first.leave();
       scene.second.send_join_without_id();
       scene.second.receive_join();
     }},
    {"FirstMemberWaitsForMore", "PreparingRebalance",
     [](ClassicScene& scene) {
       scene.settle_first();
       scene.first.leave();
       scene.first.forget_id();
       scene.second.send_join();
     }},
    {"MemberOfAStableGroupIsWaitedFor", "PreparingRebalance",
     [](ClassicScene& scene) {
       scene.settle_first();
       scene.second.send_join();
     }},
    {"AssignmentIsAwaited", "CompletingRebalance",
     [](ClassicScene& scene) {
       scene.settle_first();
       scene.both_join_again();
     }},
    {"FollowerWaitsForItsAssignment", "CompletingRebalance",
     [](ClassicScene& scene) {
       scene.settle_first();
       scene.both_join_again();
       scene.second.send_sync();
     }},
    {"OneHasItsAssignment", "Stable",
     [](ClassicScene& scene) {
       scene.settle_first();
       scene.both_join_again();
       scene.first.send_sync({{scene.first.id(), scene.first.id()}, {scene.second.id(), scene.second.id()}});
       scene.first.receive_sync();
     }},
    {"Stable", "Stable", [](ClassicScene& scene) { scene.settle_both(); }},
    {"OneHasLeft", "PreparingRebalance",
     [](ClassicScene& scene) {
       scene.settle_both();
       scene.second.leave();
     }},
};

class ClassicKillTest : public ::testing::TestWithParam<ClassicState> {
 protected:
  void await_state(const std::string& state) {
    Wire wire(broker_.port());
    for (const std::int64_t end = now_ms() + patience.count(); now_ms() < end;) {
      if (described(wire, "g").group_state == state) return;
    }
    FAIL() << "state is " << described(wire, "g").group_state << ", not " << state;
  }

  BrokerProcess broker_{group_broker("500")};
};

TEST_P(ClassicKillTest, OffsetsStayAndTheMembersGoOn) {
  {
    Wire wire(broker_.port());
    create_topic(wire, "t", partitions);
    await_coordinator(wire, "g");
  }
  ClassicScene scene{.port = broker_.port()};
  GetParam().reach(scene);
  await_state(GetParam().state);
  broker_.kill();
  broker_.start();
  Wire wire(broker_.port());
  await_coordinator(wire, "g");
  for (std::int32_t i = 0; i < partitions; ++i) EXPECT_EQ(committed(wire, "g", "t", i), 7 + i);
  // As clients do: who is not known any more joins as somebody new.
  std::vector<ClassicMember*> members{&scene.first, &scene.second};
  for (ClassicMember* member : members) {
    member->reconnect(broker_.port());
    if (member->heartbeat() == ErrorCode::unknown_member_id) member->forget_id();
  }
  settle(members);
  EXPECT_EQ(described(wire, "g").members.size(), 2u);
  EXPECT_EQ(scene.second.commit("t", 0, 70), ErrorCode::none);
  EXPECT_EQ(committed(wire, "g", "t", 0), 70);
}

INSTANTIATE_TEST_SUITE_P(When, ClassicKillTest, ::testing::ValuesIn(classic_states),
                         [](const auto& tested) { return tested.param.name; });

struct ConsumerScene {
  Wire wire;
  ConsumerMember first{"g", "first", {"t"}};
  ConsumerMember second{"g", "second", {"t"}};

  void settle_first() {
    settle(wire, {&first}, partitions);
    for (std::int32_t i = 0; i < partitions; ++i)
      ASSERT_EQ(commit(wire, "g", "t", i, 7 + i, first.claim()), ErrorCode::none);
  }
  // A client that has been told what to give up, and has not yet answered.
  void second_joins() {
    settle_first();
    for (const std::int64_t end = now_ms() + patience.count();
         now_ms() < end && first.partition_count() == partitions;) {
      ASSERT_EQ(second.beat(wire), ErrorCode::none);
      ASSERT_EQ(first.beat(wire), ErrorCode::none);
    }
    ASSERT_LT(first.partition_count(), static_cast<std::size_t>(partitions));
  }
};

struct ConsumerState {
  std::string name;
  std::string state;
  void (*reach)(ConsumerScene& scene);
};

void PrintTo(const ConsumerState& state, std::ostream* out) { *out << state.name; }

const ConsumerState consumer_states[] = {
    {"Empty", "Empty",
     [](ConsumerScene& scene) {
       scene.settle_first();
       ASSERT_EQ(scene.first.leave(scene.wire), ErrorCode::none);
     }},
    {"OneMemberHasAll", "Stable", [](ConsumerScene& scene) { scene.settle_first(); }},
    {"NewMemberHasNothingYet", "Reconciling",
     [](ConsumerScene& scene) {
       scene.settle_first();
       ASSERT_EQ(scene.second.beat(scene.wire), ErrorCode::none);
     }},
    {"OwnerIsToGiveUp", "Reconciling", [](ConsumerScene& scene) { scene.second_joins(); }},
    {"OwnerHasGivenUp", "Reconciling",
     [](ConsumerScene& scene) {
       scene.second_joins();
       ASSERT_EQ(scene.first.beat(scene.wire), ErrorCode::none);
     }},
    {"Stable", "Stable",
     [](ConsumerScene& scene) {
       scene.settle_first();
       settle(scene.wire, {&scene.first, &scene.second}, partitions);
     }},
    {"OneHasLeft", "Reconciling",
     [](ConsumerScene& scene) {
       scene.settle_first();
       settle(scene.wire, {&scene.first, &scene.second}, partitions);
       ASSERT_EQ(scene.second.leave(scene.wire), ErrorCode::none);
     }},
};

class ConsumerKillTest : public ::testing::TestWithParam<ConsumerState> {
 protected:
  BrokerProcess broker_{group_broker("0")};
};

TEST_P(ConsumerKillTest, OffsetsStayAndTheMembersGoOn) {
  ConsumerScene scene{.wire = Wire(broker_.port())};
  create_topic(scene.wire, "t", partitions);
  await_coordinator(scene.wire, "g");
  ASSERT_NO_FATAL_FAILURE(GetParam().reach(scene));
  const std::string state = described_consumer(scene.wire, "g").group_state;
  if (state != "Assigning") {  // the interval between two assignments is not over
    EXPECT_EQ(state, GetParam().state);
  }
  const auto before = described_consumer(scene.wire, "g");
  broker_.kill();
  broker_.start();
  Wire wire(broker_.port());
  await_coordinator(wire, "g");
  const auto after = described_consumer(wire, "g");
  EXPECT_EQ(after.members.size(), before.members.size());
  EXPECT_EQ(after.group_epoch, before.group_epoch);
  for (std::int32_t i = 0; i < partitions; ++i) EXPECT_EQ(committed(wire, "g", "t", i), 7 + i);
  // The members go on with the epochs they have: nobody is fenced.
  for (ConsumerMember* member : {&scene.first, &scene.second}) {
    if (member->epoch() > 0) {
      EXPECT_EQ(member->beat(wire), ErrorCode::none) << member->id();
    }
  }
  settle(wire, {&scene.first, &scene.second}, partitions);
  EXPECT_EQ(scene.first.partition_count(), 2u);
  EXPECT_EQ(commit(wire, "g", "t", 0, 70, scene.second.claim()), ErrorCode::none);
}

INSTANTIATE_TEST_SUITE_P(When, ConsumerKillTest, ::testing::ValuesIn(consumer_states),
                         [](const auto& tested) { return tested.param.name; });

// One group's only member commits 1, 2, 3 ...; what it was told is committed is remembered.
class Committer {
 public:
  explicit Committer(int index) : group_("committer-" + std::to_string(index)) {}

  // Until the broker is gone.
  void run(std::uint16_t port) {
    try {
      Wire wire(port);
      await_coordinator(wire, group_);
      while (true) {
        const Offset next = acknowledged_ + 1;
        const ErrorCode error = commit(wire, group_, "t", 0, next);
        if (error == ErrorCode::none) acknowledged_ = next;
        if (error != ErrorCode::none && !is_to_retry(error)) throw std::logic_error(std::string(name_of(error)));
      }
    } catch (const std::runtime_error&) {
      return;  // killed
    }
  }

  const std::string& group() const { return group_; }
  Offset acknowledged() const { return acknowledged_; }

 private:
  const std::string group_;
  std::atomic<Offset> acknowledged_ = 0;
};

TEST(GroupKillTest, TenKillsUnderCommitsLoseNoneAcknowledged) {
  BrokerProcess broker(group_broker("0"));
  {
    Wire wire(broker.port());
    create_topic(wire, "t");
  }
  std::vector<std::unique_ptr<Committer>> committers;
  for (int i = 0; i < 6; ++i) committers.push_back(std::make_unique<Committer>(i));
  std::mt19937 random(std::random_device{}());
  for (int round = 0; round < 10; ++round) {
    std::vector<std::thread> threads;
    const Offset before = committers[0]->acknowledged();
    for (auto& committer : committers) threads.emplace_back([&] { committer->run(broker.port()); });
    for (const std::int64_t end = now_ms() + patience.count();
         now_ms() < end && committers[0]->acknowledged() < before + 20;)
      std::this_thread::sleep_for(milliseconds(1));
    std::this_thread::sleep_for(milliseconds(random() % 50));
    broker.kill();
    for (std::thread& thread : threads) thread.join();
    broker.start();
    Wire wire(broker.port());
    ASSERT_GE(committers[0]->acknowledged(), before + 20) << "no progress in round " << round;
    for (const auto& committer : committers) {
      // Nothing committed, -1, is as good as 0: the first round may end before all have begun.
      const Offset found = std::max<Offset>(committed(wire, committer->group(), "t"), 0);
      ASSERT_GE(found, committer->acknowledged()) << "round " << round;
      ASSERT_LE(found, committer->acknowledged() + 1) << "round " << round;  // the one under way
    }
  }
}

TEST(GroupRestartTest, StableGroupGoesOnWithoutARebalanceWhenItsMembersHeartbeatInTime) {
  BrokerProcess broker(group_broker("0"));
  {
    Wire wire(broker.port());
    create_topic(wire, "t");
    await_coordinator(wire, "g");
  }
  ClassicMember member(broker.port(), {.group = "g"});
  settle({&member});
  const std::int32_t generation = member.generation();
  EXPECT_EQ(broker.stop(), 0);
  broker.start();
  Wire wire(broker.port());
  await_coordinator(wire, "g");
  member.reconnect(broker.port());
  EXPECT_EQ(member.heartbeat(), ErrorCode::none);
  EXPECT_EQ(member.commit("t", 0, 5), ErrorCode::none);
  member.send_sync();
  EXPECT_EQ(member.receive_sync().error_code, ErrorCode::none);
  EXPECT_EQ(member.assignment(), member.id());
  EXPECT_EQ(described(wire, "g").group_state, "Stable");
  EXPECT_EQ(member.generation(), generation);
}

// The last segment of the partition of `__consumer_offsets` that has most in it.
std::string fullest_segment(const BrokerProcess& broker) {
  std::string fullest;
  std::uintmax_t size = 0;
  for (const auto& entry : fs::recursive_directory_iterator(broker.data() + "/topics/__consumer_offsets")) {
    if (entry.path().extension() != ".log") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
    std::uintmax_t used = 0;
    for (ByteSpan rest = std::as_bytes(std::span(bytes)); const auto batch = records::BatchView::frame(rest);) {
      used += batch->size();
      rest = rest.subspan(batch->size());
    }
    if (used <= size) continue;
    size = used;
    fullest = entry.path();
  }
  return fullest;
}

// Two groups in different partitions of the offsets topic, "damaged" the one with more commits.
class DamagedOffsetsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Wire wire(broker_.port());
    create_topic(wire, "t");
    await_coordinator(wire, "damaged");
    for (Offset i = 1; i <= 50; ++i) ASSERT_EQ(commit(wire, "damaged", "t", 0, i), ErrorCode::none);
    ASSERT_EQ(commit(wire, "other", "t", 0, 9), ErrorCode::none);
  }

  void expect_other_undisturbed(Wire& wire) {
    EXPECT_EQ(committed(wire, "other", "t"), 9);
    EXPECT_EQ(commit(wire, "other", "t", 0, 10), ErrorCode::none);
    EXPECT_EQ(committed(wire, "other", "t"), 10);
  }

  BrokerProcess broker_{group_broker("0")};
};

TEST_F(DamagedOffsetsTest, TornEndOfTheLogLosesNothingAcknowledged) {
  broker_.kill();
  const std::string path = fullest_segment(broker_);
  ASSERT_NE(path, "");
  // Half of a batch behind the last whole one, as a power cut leaves it.
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
  std::size_t end = 0;
  for (ByteSpan rest = std::as_bytes(std::span(bytes)); const auto batch = records::BatchView::frame(rest);) {
    end += batch->size();
    rest = rest.subspan(batch->size());
  }
  const Batch torn = batch_of(std::string(100, 't'));
  file.clear();
  file.seekp(static_cast<std::streamoff>(end));
  file.write(reinterpret_cast<const char*>(torn.data()), static_cast<std::streamsize>(torn.size() / 2));
  file.close();
  broker_.start();
  Wire wire(broker_.port());
  EXPECT_EQ(committed(wire, "damaged", "t"), 50);
  EXPECT_EQ(commit(wire, "damaged", "t", 0, 51), ErrorCode::none);
  expect_other_undisturbed(wire);
}

TEST_F(DamagedOffsetsTest, RecordsThatAreNoneOfTheCoordinatorsAreLeftOut) {
  {
    Wire wire(broker_.port());
    records::BatchBuilder builder{};
    builder.add({.timestamp = now_ms(), .key = base::as_bytes("no key"), .value = base::as_bytes("no value")});
    const std::string short_key("\0\1\0\xff", 4);  // a commit whose group id is cut off
    builder.add({.timestamp = now_ms(), .key = base::as_bytes(short_key), .value = base::as_bytes("x")});
    const Batch garbage = builder.finish();
    for (std::int32_t i = 0; i < 4; ++i)
      ASSERT_EQ(produce(wire, "__consumer_offsets", garbage, -1, i).error_code, ErrorCode::none);
  }
  broker_.kill();
  broker_.start();
  Wire wire(broker_.port());
  EXPECT_EQ(committed(wire, "damaged", "t"), 50);
  EXPECT_EQ(commit(wire, "damaged", "t", 0, 51), ErrorCode::none);
  expect_other_undisturbed(wire);
  EXPECT_NE(broker_.log().find("not understood"), std::string::npos);
}

TEST_F(DamagedOffsetsTest, DamagedLogIsNeverServedAsIfItWereWholeAndHarmsNoOtherGroup) {
  EXPECT_EQ(broker_.stop(), 0);
  const std::string path = fullest_segment(broker_);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(300);  // inside one of the first batches
  file.put('!');
  file.close();
  broker_.start();
  Wire wire(broker_.port());
  expect_other_undisturbed(wire);
  // Either everything acknowledged is there, or it is said that it is not.
  const std::int64_t end = now_ms() + 5'000;
  CommittedAnswer answer;
  do answer = committed_of(wire, "damaged", "t");
  while (answer.error_code == ErrorCode::coordinator_load_in_progress && now_ms() < end);
  if (answer.error_code == ErrorCode::none) {
    EXPECT_EQ(answer.committed_offset, 50);
  } else {
    EXPECT_EQ(answer.error_code, ErrorCode::coordinator_not_available);
    EXPECT_EQ(commit(wire, "damaged", "t", 0, 51), ErrorCode::coordinator_not_available);
    EXPECT_NE(broker_.log().find("groups cannot be loaded"), std::string::npos) << broker_.log();
  }
}

}  // namespace
}  // namespace cms::tests
