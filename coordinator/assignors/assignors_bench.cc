// SPDX-License-Identifier: Apache-2.0
// A group of thousands that has just lost a member.
#include <algorithm>
#include <string>

#include <benchmark/benchmark.h>

#include "coordinator/assignors/assignor.h"

namespace cms::coordinator {
namespace {

struct LargeGroup {
  LargeGroup(std::size_t member_count, std::size_t topic_count, std::int32_t partitions,
             std::size_t subscription_count) {
    for (std::size_t topic = 0; topic < topic_count; ++topic) {
      base::Uuid id;
      id.bytes[14] = static_cast<std::byte>(topic >> 8);
      id.bytes[15] = static_cast<std::byte>(topic);
      input.topics.push_back({.id = id, .partition_count = partitions});
    }
    input.subscriptions.resize(subscription_count);
    for (std::uint32_t topic = 0; topic < topic_count; ++topic)
      for (std::size_t i = 0; i < subscription_count; ++i)
        if (subscription_count == 1 || topic % subscription_count != i) input.subscriptions[i].push_back(topic);
    for (std::size_t member = 0; member < member_count; ++member)
      names.push_back("consumer-" + std::to_string(100000 + member));
    owned.resize(member_count);
    for (std::size_t member = 0; member < member_count; ++member) {
      input.members.push_back({.member_id = names[member],
                               .instance_id = {},
                               .rack_id = {},
                               .subscription = member % subscription_count,
                               .owned = &owned[member]});
    }
  }

  AssignorInput input;
  std::vector<std::string> names;
  std::vector<Partitions> owned;
};

void lose_a_member(benchmark::State& state, Assignor assignor, std::size_t subscriptions) {
  LargeGroup group(5000, 100, 100, subscriptions);
  std::ranges::move(assignor(group.input), group.owned.begin());  // members point to where these are
  group.input.members.pop_back();
  for (auto _ : state) benchmark::DoNotOptimize(assignor(group.input));
}

void uniform_homogeneous(benchmark::State& state) { lose_a_member(state, assign_uniform, 1); }
void uniform_heterogeneous(benchmark::State& state) { lose_a_member(state, assign_uniform, 7); }
void range_homogeneous(benchmark::State& state) { lose_a_member(state, assign_range, 1); }
BENCHMARK(uniform_homogeneous)->Unit(benchmark::kMillisecond);
BENCHMARK(uniform_heterogeneous)->Unit(benchmark::kMillisecond);
BENCHMARK(range_homogeneous)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace cms::coordinator
