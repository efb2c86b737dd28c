// SPDX-License-Identifier: Apache-2.0
// The owner of every partition of an assignor's input, in one flat array.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "coordinator/assignors/assignor.h"

namespace cms::coordinator {

class Ownership {
 public:
  static constexpr std::uint32_t nobody = UINT32_MAX;

  explicit Ownership(const AssignorInput& input);

  std::size_t partition_count() const { return owners_.size(); }
  std::size_t first(std::size_t topic) const { return first_[topic]; }  // index of a topic's partition 0
  std::size_t end(std::size_t topic) const { return first_[topic + 1]; }
  std::uint32_t owner(std::size_t partition) const { return owners_[partition]; }
  void set(std::size_t partition, std::uint32_t member) { owners_[partition] = member; }

  // Calls visit(index of the partition) for what the member owned, may still own, and nobody has yet; ascending.
  void for_each_kept(std::uint32_t member, auto&& visit) const {
    const AssignorMember& who = input_.members[member];
    const std::vector<std::uint32_t>& subscription = input_.subscriptions[who.subscription];
    // Both are in the order of topic ids.
    auto owned = who.owned->begin();
    for (const std::uint32_t topic : subscription) {
      while (owned != who.owned->end() && owned->first < input_.topics[topic].id) ++owned;
      if (owned == who.owned->end()) return;
      if (owned->first != input_.topics[topic].id) continue;
      for (const std::int32_t partition : owned->second) {
        if (partition < 0 || partition >= input_.topics[topic].partition_count) continue;
        const std::size_t index = first_[topic] + static_cast<std::size_t>(partition);
        if (owners_[index] == nobody) visit(index);
      }
    }
  }

  AssignorOutput output() const;

 private:
  const AssignorInput& input_;
  std::vector<std::size_t> first_;  // one more than there are topics
  std::vector<std::uint32_t> owners_;
};

}  // namespace cms::coordinator
