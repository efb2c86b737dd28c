// SPDX-License-Identifier: Apache-2.0
// Members of both kinds that join, leave, fall silent and lose messages, while topics grow and the coordinator
// restarts. After every step no two members that the group still counts have the same partition; in the end everything
// that somebody is subscribed to is owned, and what members believe is what the group says. A failure prints the seed.
#include <set>

#include <gtest/gtest.h>

#include "base/random.h"
#include "coordinator/consumer/embedded.h"
#include "coordinator/consumer/test_consumer_group.h"

namespace cms::coordinator {
namespace {

using Owned = std::map<base::Uuid, std::set<std::int32_t>>;

enum class Kind { consumer, classic_cooperative, classic_eager };

struct Actor {
  Kind kind = Kind::consumer;
  std::string id;
  std::optional<std::string> instance;
  std::vector<std::string> topics;
  std::string pattern;
  bool running = true;
  std::int32_t epoch = 0;  // or generation; 0: has to join
  bool in_doubt = false;   // a response was lost
  Owned owned;             // what it consumes now
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : random_(seed) {
    g_.options.consumer.migration = MigrationPolicy::upgrade;  // a conversion back is not played here
    g_.options.consumer.assignment_interval_ms = random_.one_in(2) ? 0 : 1'000;
    const std::size_t count = 2 + random_.below(6);
    for (std::size_t i = 0; i < count; ++i) add_actor();
  }

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      step();
      check_owners();
      check_epochs();
      if (random_.one_in(16)) g_.expect_log_tells_all();
    }
    come_to_rest();
  }

 private:
  void add_actor() {
    Actor actor;
    actor.kind = static_cast<Kind>(random_.below(3));
    if (random_.one_in(4)) actor.instance = "instance-" + std::to_string(actors_.size());
    if (random_.one_in(2)) actor.topics.push_back("orders");
    if (random_.one_in(2) || actor.topics.empty()) actor.topics.push_back("payments");
    if (actor.kind == Kind::consumer && random_.one_in(4)) actor.pattern = "o.*";
    new_life(actor);
    actors_.push_back(std::move(actor));
  }

  // A process that has just been started.
  void new_life(Actor& actor) {
    actor.running = true;
    actor.epoch = 0;
    actor.in_doubt = false;
    actor.owned.clear();
    actor.id = actor.kind == Kind::consumer || !actor.instance ? "member-" + std::to_string(++lives_) : "";
  }

  void step() {
    Actor& actor = actors_[random_.below(actors_.size())];
    switch (random_.below(24)) {
      case 0:
        actor.running = false;  // killed, or paused: it goes on believing that it owns what it has
        break;
      case 1:
        if (!actor.running) new_life(actor);
        break;
      case 2:
        actor.running = true;  // goes on where it was, maybe as a zombie
        break;
      case 3:
        if (actor.running) leave(actor);
        break;
      case 4:
        if (random_.one_in(4)) change_topics();
        break;
      case 5:
        if (random_.one_in(4)) restart();
        break;
      case 6:
        g_.pass(static_cast<std::int64_t>(random_.below(20'000)));
        break;
      default:
        g_.pass(static_cast<std::int64_t>(random_.below(400)));
        if (actor.running) talk(actor);
    }
  }

  void change_topics() {
    g_.catalog.put("orders", g_.catalog.find(std::string_view("orders"))->partition_count + 1);
    if (random_.one_in(3)) g_.catalog.put("others-" + std::to_string(random_.below(3)), 2);
  }

  void restart() {
    g_.group = TestConsumerGroup::read_again(g_.environment, g_.log);
    Effects effects;
    g_.group->loaded(g_.now, effects);
  }

  void leave(Actor& actor) {
    if (actor.kind != Kind::consumer) {
      g_.leave_classic({{.member_id = actor.id, .group_instance_id = actor.instance, .reason = {}}});
    } else {
      HeartbeatRequest request = g_.beating(actor.id, actor.instance && random_.one_in(2) ? -2 : -1);
      request.instance_id = actor.instance;
      g_.heartbeat(request);
    }
    new_life(actor);
    if (random_.one_in(2)) actor.running = false;
  }

  void talk(Actor& actor, bool reliable = false) {
    if (actor.kind == Kind::consumer) {
      talk_consumer(actor, reliable);
    } else {
      talk_classic(actor);
    }
  }

  HeartbeatRequest request_of(const Actor& actor) {
    HeartbeatRequest request = g_.beating(actor.id, actor.epoch);
    if (actor.epoch == 0 || actor.in_doubt || random_.one_in(3)) {
      request.topic_partitions.emplace();
      for (const auto& [topic_id, partitions] : actor.owned)
        request.topic_partitions->push_back({topic_id, {partitions.begin(), partitions.end()}});
    }
    if (actor.epoch == 0 || actor.in_doubt) {
      request.rebalance_timeout_ms = 60'000;
      request.subscribed_topic_names = actor.topics;
      if (!actor.pattern.empty()) request.subscribed_topic_regex = actor.pattern;
    }
    request.instance_id = actor.instance;
    return request;
  }

  void talk_consumer(Actor& actor, bool reliable) {
    const HeartbeatRequest request = request_of(actor);
    if (!reliable && random_.one_in(12)) {  // the request is lost
      actor.in_doubt = true;
      return;
    }
    HeartbeatAnswer answer = g_.heartbeat(request);
    const bool twice = !reliable && random_.one_in(12);
    if (twice) answer = g_.heartbeat(request);  // and only the second response arrives
    if (!reliable && random_.one_in(12)) {      // the response is lost
      actor.in_doubt = true;
      return;
    }
    if (answer.error_code != ErrorCode::none) {
      // An instance id that is not free is asked for again, with all else given up.
      actor.epoch = 0;
      actor.owned.clear();
      actor.in_doubt = false;
      return;
    }
    EXPECT_GE(answer.member_epoch, actor.epoch);
    actor.epoch = answer.member_epoch;
    actor.in_doubt = twice;
    if (!answer.assignment) return;
    actor.owned.clear();
    for (const auto& topic : answer.assignment->topic_partitions)
      actor.owned[topic.topic_id].insert(topic.partitions.begin(), topic.partitions.end());
  }

  void talk_classic(Actor& actor) {
    const ErrorCode error =
        actor.epoch == 0 ? ErrorCode::rebalance_in_progress : g_.beat_classic(actor.id, actor.epoch);
    if (error == ErrorCode::none) return;
    if (error != ErrorCode::rebalance_in_progress) {
      new_life(actor);
      return;
    }
    join_classic(actor);
  }

  void join_classic(Actor& actor) {
    if (actor.kind == Kind::classic_eager) actor.owned.clear();
    protocol::ConsumerSubscription subscription;
    subscription.topics = actor.topics;
    for (const auto& [topic_id, partitions] : actor.owned) {
      if (const auto topic = g_.catalog.find(topic_id))
        subscription.owned_partitions.push_back({topic->name, {partitions.begin(), partitions.end()}});
    }
    const base::Bytes metadata = to_bytes(subscription, 1);
    protocol::JoinGroupRequest request;
    request.group_id = "group";
    request.member_id = actor.id;
    request.group_instance_id = actor.instance;
    request.session_timeout_ms = 10'000;
    request.rebalance_timeout_ms = 30'000;
    request.protocol_type = "consumer";
    request.protocols.push_back({"range", metadata.span()});
    const protocol::JoinGroupResponse joined = g_.join_classic(request);
    if (joined.error_code != ErrorCode::none) {
      new_life(actor);
      return;
    }
    EXPECT_GE(joined.generation_id, actor.epoch);
    actor.id = joined.member_id;
    actor.epoch = joined.generation_id;
    const protocol::SyncGroupResponse synced = g_.sync_classic(actor.id, actor.epoch);
    if (synced.error_code != ErrorCode::none) return;  // the next heartbeat says the same
    protocol::ConsumerAssignment assignment;
    ASSERT_TRUE(read(synced.assignment.bytes(), assignment).ok());
    actor.owned.clear();
    for (const auto& [topic_id, partitions] : by_topic_id(assignment.assigned_partitions, g_.catalog))
      actor.owned[topic_id].insert(partitions.begin(), partitions.end());
  }

  // Of the members that the group counts. Whoever it has fenced has yet to hear of it.
  void check_owners() {
    std::map<std::pair<base::Uuid, std::int32_t>, std::string> owners;
    for (const Actor& actor : actors_) {
      const ConsumerMember* member = g_.group->state().find(actor.id);
      if (actor.epoch == 0 || member == nullptr || member->current.epoch < actor.epoch) continue;
      for (const auto& [topic_id, partitions] : actor.owned) {
        for (const std::int32_t partition : partitions) {
          const auto [place, is_new] = owners.try_emplace({topic_id, partition}, actor.id);
          EXPECT_TRUE(is_new) << "partition " << partition << " of " << place->second << " and " << actor.id;
        }
      }
    }
  }

  void check_epochs() {
    const GroupEpochs& epochs = g_.group->state().epochs();
    EXPECT_GE(epochs.group, last_.group);
    EXPECT_GE(epochs.assignment, last_.assignment);
    EXPECT_LE(epochs.assignment, epochs.group);
    last_ = epochs;
  }

  void come_to_rest() {
    for (int round = 0; round < 60 && !testing::Test::HasFailure(); ++round) {
      for (Actor& actor : actors_)
        if (actor.running) talk(actor, true);
      g_.pass(2'000);
      check_owners();
    }
    Owned all;
    bool anybody = false;
    for (const Actor& actor : actors_) {
      if (!actor.running) continue;
      anybody = true;
      const ConsumerMember* member = g_.group->state().find(actor.id);
      ASSERT_NE(member, nullptr);
      Owned said;
      for (const auto& [topic_id, partitions] : without_epochs(member->current.assigned))
        said[topic_id].insert(partitions.begin(), partitions.end());
      EXPECT_EQ(actor.owned, said) << actor.id;
      for (const auto& [topic_id, partitions] : actor.owned) all[topic_id].insert(partitions.begin(), partitions.end());
    }
    EXPECT_EQ(g_.group->state_name(), anybody ? "Stable" : "Empty");
    for (const std::string& name : g_.group->state().subscribed_topics()) {
      const auto topic = g_.catalog.find(std::string_view(name));
      if (!topic) continue;
      EXPECT_EQ(static_cast<std::int32_t>(all[topic->id].size()), topic->partition_count) << name;
    }
    g_.expect_log_tells_all();
  }

  base::Random random_;
  TestConsumerGroup g_;
  std::vector<Actor> actors_;
  GroupEpochs last_;
  int lives_ = 0;
};

TEST(ConsumerGroupSimulation, NoPartitionHasTwoOwnersAndAllAreOwnedInTheEnd) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation(seed).run(300);
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace cms::coordinator
