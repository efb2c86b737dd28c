// SPDX-License-Identifier: Apache-2.0
// A group of 5,000 members: what a heartbeat costs that changes nothing, and all of them joining.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "coordinator/consumer/group.h"

namespace cms::coordinator {
namespace {

class ManyTopics final : public TopicCatalog {
 public:
  ManyTopics() {
    for (int i = 0; i < 100; ++i) {
      TopicInfo topic{.name = "topic-" + std::to_string(i), .id = {}, .partition_count = 100};
      topic.id.bytes[15] = static_cast<std::byte>(i + 1);
      by_id_[topic.id] = topic;
      names.push_back(topic.name);
      by_name_[topic.name] = topic;
    }
  }
  std::optional<TopicInfo> find(std::string_view name) const override { return by_name_.find(name)->second; }
  std::optional<TopicInfo> find(const base::Uuid& id) const override { return by_id_.at(id); }
  void for_each(const std::function<void(const TopicInfo&)>& visit) const override {
    for (const auto& [name, topic] : by_name_) visit(topic);
  }
  std::uint64_t generation() const override { return 1; }

  std::vector<std::string> names;

 private:
  std::map<std::string, TopicInfo, std::less<>> by_name_;
  std::map<base::Uuid, TopicInfo> by_id_;
};

class LargeGroup {
 public:
  explicit LargeGroup(std::size_t member_count) {
    for (std::size_t i = 0; i < member_count; ++i) {
      protocol::ConsumerGroupHeartbeatRequest request;
      request.group_id = "group";
      request.member_id = member(i);
      request.rebalance_timeout_ms = 300'000;
      request.subscribed_topic_names = topics_.names;
      request.topic_partitions.emplace();
      heartbeat(request);
      now_.steady_ms += 1;
      now_.wall_ms += 1;
    }
  }

  // Every member reports what it has, until nothing is to be given up or got any more; returns the rounds that took.
  int settle() {
    for (int round = 1;; ++round) {
      now_.wall_ms += 5'000;
      for (const auto& [id, member] : group_.state().members()) {
        protocol::ConsumerGroupHeartbeatRequest request = beating(id, member.current.epoch);
        request.topic_partitions.emplace();
        for (const auto& [topic_id, partitions] : member.current.assigned) {
          auto& topic = request.topic_partitions->emplace_back();
          topic.topic_id = topic_id;
          for (const OwnedPartition& partition : partitions) topic.partitions.push_back(partition.partition);
        }
        heartbeat(request);
      }
      if (group_.state_name() == "Stable" || round == 20) return round;
    }
  }

  static std::string member(std::size_t number) { return "member-" + std::to_string(100'000 + number); }
  protocol::ConsumerGroupHeartbeatRequest beating(const std::string& id, std::int32_t epoch) const {
    protocol::ConsumerGroupHeartbeatRequest request;
    request.group_id = "group";
    request.member_id = id;
    request.member_epoch = epoch;
    return request;
  }
  void heartbeat(const protocol::ConsumerGroupHeartbeatRequest& request) {
    Effects effects;
    benchmark::DoNotOptimize(group_.heartbeat(now_, {request, 1, {"client", "/127.0.0.1"}, ++ticket_}, effects));
  }
  std::int32_t epoch() const { return group_.state().epochs().group; }

 private:
  Options options_;
  ManyTopics topics_;
  GroupConfigs configs_ = [](std::string_view) { return GroupConfig{}; };
  GroupEnvironment environment_{
      .options = options_, .topics = topics_, .group_configs = configs_, .new_member_suffix = [] { return ""; }};
  ConsumerGroup group_{"group", environment_};
  Now now_{.steady_ms = 1'000, .wall_ms = 1'700'000'000'000};
  Ticket ticket_ = 0;
};

void heartbeat_without_change(benchmark::State& state) {
  LargeGroup group(static_cast<std::size_t>(state.range(0)));
  group.settle();
  const protocol::ConsumerGroupHeartbeatRequest request = group.beating(LargeGroup::member(7), group.epoch());
  for (auto _ : state) group.heartbeat(request);
}
BENCHMARK(heartbeat_without_change)->Arg(5)->Arg(5'000);

void everybody_joins(benchmark::State& state) {
  int rounds = 0;
  for (auto _ : state) {
    LargeGroup group(static_cast<std::size_t>(state.range(0)));
    rounds = group.settle();
  }
  state.counters["rounds"] = rounds;
}
BENCHMARK(everybody_joins)->Arg(100)->Arg(5'000)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace cms::coordinator
