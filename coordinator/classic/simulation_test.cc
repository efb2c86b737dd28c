// SPDX-License-Identifier: Apache-2.0
// Members that join, leave, stop, pause and come back, over a network that delays, loses and repeats, and a coordinator
// that restarts from its log: whatever happens, the group keeps its promises.
//
// A failure prints the seed; CMS_SEED=<seed> runs that one alone.
#include <cstdlib>
#include <set>

#include <gtest/gtest.h>

#include "base/random.h"
#include "coordinator/classic/test_group.h"

namespace cms::coordinator {
namespace {

using protocol::JoinGroupResponse;
using protocol::SyncGroupResponse;

constexpr int partition_count = 12;
constexpr std::int64_t session_ms = 10'000;
constexpr std::int64_t rebalance_ms = 20'000;  // longer than a session: who is late has given up by then
constexpr std::int64_t heartbeat_ms = 3'000;
constexpr std::int64_t delay_max_ms = 300;

// One consumer, as its client library runs it.
struct Consumer {
  enum class Doing { off, joining, syncing, consuming };

  int number = 0;
  std::optional<std::string> instance_id;
  Doing doing = Doing::off;
  std::string id;
  std::int32_t generation = -1;
  std::string leader;
  std::vector<std::string> members;  // if it leads
  std::set<int> owned;
  std::int64_t lease_ms = 0;  // when it must think itself dead
  std::int64_t sent_ms = 0;   // its present request, 0: none
  std::int64_t wake_ms = 0;
  std::uint64_t request = 0;  // answers to others are late ones
  int metadata = 0;
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed)
      : random_(seed), test_({.initial_rebalance_delay_ms = random_.one_in(2) ? 0 : 3'000}) {
    consumers_.resize(2 + random_.below(6));
    for (std::size_t i = 0; i < consumers_.size(); ++i) {
      consumers_[i].number = static_cast<int>(i);
      if (random_.one_in(3)) consumers_[i].instance_id = "instance-" + std::to_string(i);
    }
    // A second process with the instance id of another: one of them has to go.
    if (random_.one_in(3)) consumers_.front().instance_id = consumers_.back().instance_id;
  }

  void run() {
    for (int step = 0; step < 3'000 && !testing::Test::HasFailure(); ++step) {
      if (random_.one_in(40)) disturb();
      turn();
    }
    faulty_ = false;
    for (Consumer& consumer : consumers_) {
      if (consumer.doing == Consumer::Doing::off && !clashes(consumer)) begin(consumer);
    }
    const std::int64_t end_ms = test_.now.steady_ms + 400'000;
    while (test_.now.steady_ms < end_ms && !testing::Test::HasFailure()) turn();
    expect_settled();
  }

 private:
  using Doing = Consumer::Doing;

  std::int64_t now() const { return test_.now.steady_ms; }

  void turn() {
    test_.advance(static_cast<std::int64_t>(random_.below(100)));
    collect();
    while (!network_.empty() && network_.begin()->first <= now()) {
      const auto act = std::move(network_.begin()->second);
      network_.erase(network_.begin());
      act();
      collect();
    }
    for (Consumer& consumer : consumers_) live(consumer);
    check();
  }

  // --- The world
  void disturb() {
    Consumer& consumer = consumers_[random_.below(consumers_.size())];
    switch (random_.below(6)) {
      case 0:
        return clashes(consumer) || consumer.doing != Doing::off ? void() : begin(consumer);
      case 1:
        return leave(consumer);
      case 2:
        return stop(consumer);
      case 3:
        consumer.wake_ms = now() + static_cast<std::int64_t>(random_.below(25'000));  // a pause
        return;
      case 4:
        ++consumer.metadata;
        if (consumer.doing == Doing::consuming) join(consumer);
        return;
      case 5:
        if (random_.one_in(3)) restart_coordinator();
        return;
    }
  }

  // An instance that is up already; sometimes it is started all the same.
  bool clashes(const Consumer& consumer) {
    if (!consumer.instance_id || (faulty_ && random_.one_in(4))) return false;
    for (const Consumer& other : consumers_) {
      if (&other != &consumer && other.instance_id == consumer.instance_id && other.doing != Doing::off) return true;
    }
    return false;
  }

  void restart_coordinator() {
    if (test_.log.empty()) return;
    waiting_.clear();  // connections break; members find out by their time-outs
    test_.restart();
    generation_ = test_.group->generation();
  }

  void over_the_network(std::function<void()> act) {
    if (faulty_ && random_.one_in(25)) return;
    network_.emplace(now() + static_cast<std::int64_t>(random_.below(delay_max_ms)), std::move(act));
  }

  // Sends a request, sometimes twice.
  void send(Consumer& consumer, std::function<void()> serve) {
    consumer.sent_ms = std::max<std::int64_t>(now(), 1);
    ++consumer.request;
    over_the_network(serve);
    if (faulty_ && random_.one_in(20)) over_the_network(serve);
  }

  // --- A consumer
  void begin(Consumer& consumer) {
    consumer.id.clear();
    consumer.wake_ms = 0;
    join(consumer);
  }

  void give_up(Consumer& consumer) {
    consumer.owned.clear();
    consumer.generation = -1;
  }

  void stop(Consumer& consumer) {
    give_up(consumer);
    consumer.doing = Doing::off;
    consumer.sent_ms = 0;
    ++consumer.request;
  }

  void leave(Consumer& consumer) {
    if (consumer.doing == Doing::off) return;
    const auto id = consumer.id;
    const auto instance_id = consumer.instance_id;
    stop(consumer);
    if (!id.empty()) over_the_network([this, id, instance_id] { test_.leave({{id, instance_id, {}}}); });
  }

  // What it has read is committed; it gives up its partitions before it says that it joins.
  void join(Consumer& consumer) {
    give_up(consumer);
    consumer.doing = Doing::joining;
    Joiner joiner{.member_id = consumer.id,
                  .instance_id = consumer.instance_id,
                  .protocols = {{"range", std::to_string(consumer.metadata)}},
                  .session_timeout_ms = session_ms,
                  .rebalance_timeout_ms = rebalance_ms};
    const std::size_t at = static_cast<std::size_t>(consumer.number);
    send(consumer, [this, at, joiner, request = consumer.request + 1] { await(at, request, test_.join(joiner)); });
  }

  void sync(Consumer& consumer) {
    consumer.doing = Doing::syncing;
    TestGroup::Assignments assignments;
    if (consumer.leader == consumer.id) {
      for (int i = 0; i < partition_count; ++i) {
        assignments[consumer.members[static_cast<std::size_t>(i) % consumer.members.size()]] +=
            static_cast<char>('a' + i);
      }
    }
    consumer.lease_ms = now() + session_ms;
    const std::size_t at = static_cast<std::size_t>(consumer.number);
    send(consumer, [this, at, id = consumer.id, generation = consumer.generation, assignments,
                    instance_id = consumer.instance_id, request = consumer.request + 1] {
      await(at, request, test_.sync(id, generation, assignments, instance_id));
    });
  }

  void heartbeat(Consumer& consumer) {
    const std::size_t at = static_cast<std::size_t>(consumer.number);
    send(consumer, [this, at, id = consumer.id, generation = consumer.generation, instance_id = consumer.instance_id,
                    request = consumer.request + 1] {
      const ErrorCode error = test_.heartbeat(id, generation, instance_id);
      over_the_network([this, at, request, error] {
        Consumer& answered = consumers_[at];
        if (answered.request != request) return;
        if (error == ErrorCode::none) answered.lease_ms = answered.sent_ms + session_ms;
        finish(answered);
        if (error != ErrorCode::none) refused(answered, error);
      });
    });
  }

  void finish(Consumer& consumer) {
    consumer.sent_ms = 0;
    ++consumer.request;
    consumer.wake_ms = std::max(consumer.wake_ms, now() + heartbeat_ms);
  }

  void refused(Consumer& consumer, ErrorCode error) {
    switch (error) {
      case ErrorCode::fenced_instance_id:
        return stop(consumer);
      case ErrorCode::unknown_member_id:
        consumer.id.clear();
        return join(consumer);
      case ErrorCode::illegal_generation:
      case ErrorCode::rebalance_in_progress:
        return join(consumer);
      default:
        ADD_FAILURE() << "unexpected error " << static_cast<int>(error);
    }
  }

  void live(Consumer& consumer) {
    if (consumer.doing == Doing::off || now() < consumer.wake_ms) return;
    const std::int64_t patience_ms = consumer.doing == Doing::joining ? rebalance_ms + 5'000 : 5'000;
    const bool lost = consumer.sent_ms != 0 && now() > consumer.sent_ms + patience_ms;
    if (consumer.doing == Doing::consuming && now() >= consumer.lease_ms) return join(consumer);
    if (consumer.doing == Doing::consuming && (consumer.sent_ms == 0 || lost)) return heartbeat(consumer);
    if (lost) join(consumer);
  }

  // --- Answers
  void await(std::size_t consumer, std::uint64_t request, Ticket ticket) { waiting_[ticket] = {consumer, request}; }

  void collect() {
    for (auto next = waiting_.begin(); next != waiting_.end();) {
      const auto [ticket, asked] = *next;
      if (!test_.has_answer(ticket)) {
        ++next;
        continue;
      }
      next = waiting_.erase(next);
      over_the_network([this, ticket = ticket, asked = asked] {
        Consumer& consumer = consumers_[asked.first];
        if (consumer.request != asked.second) return;
        if (consumer.doing == Doing::joining) return take_join(consumer, test_.joined(ticket));
        take_sync(consumer, test_.synced(ticket));
      });
    }
  }

  void take_join(Consumer& consumer, const JoinGroupResponse& answer) {
    finish(consumer);
    consumer.wake_ms = 0;
    if (answer.error_code == ErrorCode::member_id_required) {
      consumer.id = answer.member_id;
      return join(consumer);
    }
    if (answer.error_code != ErrorCode::none) return refused(consumer, answer.error_code);
    consumer.id = answer.member_id;
    consumer.generation = answer.generation_id;
    consumer.leader = answer.leader;
    consumer.members.clear();
    for (const auto& member : answer.members) consumer.members.push_back(member.member_id);
    // Whoever is told to assign knows to whom.
    EXPECT_EQ(answer.leader == answer.member_id, !consumer.members.empty());
    sync(consumer);
  }

  void take_sync(Consumer& consumer, const SyncGroupResponse& answer) {
    finish(consumer);
    if (answer.error_code != ErrorCode::none) return refused(consumer, answer.error_code);
    consumer.doing = Doing::consuming;
    for (const char partition : base::as_text(answer.assignment.bytes())) consumer.owned.insert(partition - 'a');
  }

  // --- Promises
  void check() {
    EXPECT_GE(test_.group->generation(), generation_);
    generation_ = test_.group->generation();
    std::map<int, const Consumer*> owner;
    for (const Consumer& consumer : consumers_) {
      if (consumer.doing != Doing::consuming || now() >= consumer.lease_ms) continue;
      for (const int partition : consumer.owned) {
        const auto [first, alone] = owner.emplace(partition, &consumer);
        // Of two processes with one instance id, the later takes over before the earlier hears of it (KIP-345).
        const bool fences = consumer.instance_id && consumer.instance_id == first->second->instance_id;
        EXPECT_TRUE(alone || fences) << "partition " << partition << " is owned by " << first->second->number << " and "
                                     << consumer.number << " at " << now() << " ms";
      }
    }
    check_log();
  }

  // What comes back from the log is what members have been told.
  void check_log() {
    if (test_.log.size() == checked_records_) return;
    checked_records_ = test_.log.size();
    const ClassicState logged = test_.logged();
    if (test_.phase() != TestGroup::Phase::stable && test_.phase() != TestGroup::Phase::empty) return;
    const auto restored = ClassicGroup::restore(test_.environment(), logged);
    EXPECT_EQ(restored->describe_classic(), test_.group->describe_classic());
    EXPECT_EQ(restored->generation(), test_.group->generation());
    EXPECT_EQ(restored->members().leader(), test_.group->members().leader());
  }

  void expect_settled() {
    EXPECT_EQ(test_.group->state_name(), "Stable");
    std::set<int> owned;
    std::size_t consuming = 0;
    for (const Consumer& consumer : consumers_) {
      if (consumer.doing == Doing::off) continue;
      EXPECT_EQ(consumer.doing, Doing::consuming) << consumer.number;
      EXPECT_EQ(consumer.generation, test_.group->generation()) << consumer.number;
      owned.insert(consumer.owned.begin(), consumer.owned.end());
      ++consuming;
    }
    EXPECT_EQ(test_.group->members().size(), consuming);
    EXPECT_EQ(owned.size(), static_cast<std::size_t>(partition_count));
    EXPECT_TRUE(waiting_.empty()) << "somebody was never answered";
  }

  base::Random random_;
  TestGroup test_;
  bool faulty_ = true;
  std::vector<Consumer> consumers_;
  std::multimap<std::int64_t, std::function<void()>> network_;
  std::map<Ticket, std::pair<std::size_t, std::uint64_t>> waiting_;
  std::int32_t generation_ = 0;
  std::size_t checked_records_ = 0;
};

TEST(ClassicSimulation, MembersNeverShareAPartitionAndInTheEndOwnAll) {
  const char* one = std::getenv("CMS_SEED");
  const std::uint64_t first = one ? std::strtoull(one, nullptr, 10) : 1;
  const std::uint64_t last = one ? first : first + 199;
  for (std::uint64_t seed = first; seed <= last && !HasFailure(); ++seed) {
    SCOPED_TRACE("CMS_SEED=" + std::to_string(seed));
    Simulation(seed).run();
  }
}

TEST(ClassicSimulation, FiveThousandMembersJoinOneGroup) {
  constexpr int members = 5'000;
  TestGroup test({.initial_rebalance_delay_ms = 3'000});
  std::vector<Ticket> tickets;
  for (int i = 0; i < members; ++i) tickets.push_back(test.join({.rebalance_timeout_ms = 300'000, .version = 3}));
  test.advance(6'000);
  TestGroup::Assignments assignments;
  for (const Ticket ticket : tickets) assignments[test.joined(ticket).member_id] = "x";
  for (const Ticket ticket : tickets) {
    const auto& answer = test.joined(ticket);
    test.sync(answer.member_id, 1, answer.leader == answer.member_id ? assignments : TestGroup::Assignments{});
  }
  EXPECT_EQ(test.phase(), TestGroup::Phase::stable);
  // One more makes all of them rejoin, again without a look at all for each.
  const Ticket late = test.join({.version = 3});
  for (const Ticket ticket : tickets) test.join({.member_id = test.joined(ticket).member_id});
  EXPECT_EQ(test.joined(late).generation_id, 2);
}

}  // namespace
}  // namespace cms::coordinator
