// SPDX-License-Identifier: Apache-2.0
#include "coordinator/assignors/uniform_heterogeneous.h"

#include <algorithm>
#include <numeric>
#include <queue>

#include "coordinator/assignors/ownership.h"

namespace cms::coordinator {

namespace {

// Each round takes every topic once. A move makes the sum of the squared loads smaller, so rounds come to an end by
// themselves; in practice after two or three. The bound is for inputs nobody has thought of.
constexpr int rounds_max = 16;

class Balance {
 public:
  explicit Balance(const AssignorInput& input)
      : input_(input), ownership_(input), loads_(input.members.size()), subscribers_(input.topics.size()) {
    for (std::uint32_t member = 0; member < input.members.size(); ++member) {
      for (const std::uint32_t topic : input.subscriptions[input.members[member].subscription])
        subscribers_[topic].push_back(member);
    }
  }

  AssignorOutput run() {
    for (std::uint32_t member = 0; member < input_.members.size(); ++member) {
      ownership_.for_each_kept(member, [&](std::size_t partition) {
        ownership_.set(partition, member);
        ++loads_[member];
      });
    }
    const std::vector<std::uint32_t> order = narrow_topics_first();
    for (const std::uint32_t topic : order) give_out(topic);
    for (int round = 0; round < rounds_max; ++round) {
      bool moved = false;
      for (const std::uint32_t topic : order) moved |= even_out(topic);
      if (!moved) break;
    }
    return ownership_.output();
  }

 private:
  struct Loaded {
    std::size_t load = 0;
    std::uint32_t member = 0;
    auto operator<=>(const Loaded&) const = default;
  };
  using LeastFirst = std::priority_queue<Loaded, std::vector<Loaded>, std::greater<>>;
  using MostFirst = std::priority_queue<Loaded>;

  // Topics with few subscribers leave little choice, so they choose first.
  std::vector<std::uint32_t> narrow_topics_first() const {
    std::vector<std::uint32_t> order(input_.topics.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, {}, [&](std::uint32_t topic) { return subscribers_[topic].size(); });
    return order;
  }

  LeastFirst least_loaded(std::uint32_t topic) const {
    std::vector<Loaded> loaded;
    loaded.reserve(subscribers_[topic].size());
    for (const std::uint32_t member : subscribers_[topic]) loaded.push_back({loads_[member], member});
    return LeastFirst(std::greater<>{}, std::move(loaded));
  }

  // What nobody owns goes to the subscriber with the least.
  void give_out(std::uint32_t topic) {
    std::vector<std::size_t> free;
    for (std::size_t index = ownership_.first(topic); index < ownership_.end(topic); ++index)
      if (ownership_.owner(index) == Ownership::nobody) free.push_back(index);
    if (free.empty() || subscribers_[topic].empty()) return;
    LeastFirst least = least_loaded(topic);
    for (const std::size_t partition : free) {
      Loaded taker = least.top();
      least.pop();
      ownership_.set(partition, taker.member);
      taker.load = ++loads_[taker.member];
      least.push(taker);
    }
  }

  // Moves partitions of the topic from who has most to who has least, while that makes the two more even.
  bool even_out(std::uint32_t topic) {
    std::map<std::uint32_t, std::vector<std::size_t>> owned;
    for (std::size_t index = ownership_.first(topic); index < ownership_.end(topic); ++index) {
      const std::uint32_t owner = ownership_.owner(index);
      if (owner != Ownership::nobody) owned[owner].push_back(index);
    }
    if (owned.empty()) return false;
    MostFirst most;
    for (const auto& [member, partitions] : owned) most.push({loads_[member], member});
    LeastFirst least = least_loaded(topic);

    bool moved = false;
    while (!most.empty()) {
      Loaded giver = most.top();
      most.pop();
      Loaded taker = least.top();
      if (giver.load != loads_[giver.member]) continue;  // it has given since; a newer entry follows
      if (giver.load < taker.load + 2) break;
      least.pop();
      std::vector<std::size_t>& partitions = owned[giver.member];
      ownership_.set(partitions.back(), taker.member);
      partitions.pop_back();
      giver.load = --loads_[giver.member];
      taker.load = ++loads_[taker.member];
      if (!partitions.empty()) most.push(giver);
      least.push(taker);
      moved = true;
    }
    return moved;
  }

  const AssignorInput& input_;
  Ownership ownership_;
  std::vector<std::size_t> loads_;                       // by member
  std::vector<std::vector<std::uint32_t>> subscribers_;  // by topic
};

}  // namespace

AssignorOutput assign_uniform_heterogeneous(const AssignorInput& input) { return Balance(input).run(); }

}  // namespace cms::coordinator
