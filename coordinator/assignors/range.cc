// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "coordinator/assignors/assignor.h"

namespace cms::coordinator {

namespace {

// Static members first, by instance id, so that one that comes back under another member id keeps its place.
std::vector<std::uint32_t> in_order(const std::vector<AssignorMember>& members) {
  std::vector<std::uint32_t> order(members.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, [&](std::uint32_t left, std::uint32_t right) {
    const AssignorMember& a = members[left];
    const AssignorMember& b = members[right];
    if (a.instance_id.empty() != b.instance_id.empty()) return !a.instance_id.empty();
    if (a.instance_id != b.instance_id) return a.instance_id < b.instance_id;
    return a.member_id < b.member_id;
  });
  return order;
}

struct Cut {
  std::int32_t share = 0;
  std::int32_t longer = 0;  // how many ranges are still to be one longer
  std::int32_t next = 0;
};

}  // namespace

AssignorOutput assign_range(const AssignorInput& input) {
  std::vector<std::int32_t> subscribers(input.topics.size());
  for (const AssignorMember& member : input.members)
    for (const std::uint32_t topic : input.subscriptions[member.subscription]) ++subscribers[topic];

  std::vector<Cut> cuts(input.topics.size());
  for (std::size_t topic = 0; topic < cuts.size(); ++topic) {
    if (subscribers[topic] == 0) continue;
    const std::int32_t count = input.topics[topic].partition_count;
    cuts[topic] = {.share = count / subscribers[topic], .longer = count % subscribers[topic]};
  }

  AssignorOutput assigned(input.members.size());
  for (const std::uint32_t member : in_order(input.members)) {
    for (const std::uint32_t topic : input.subscriptions[input.members[member].subscription]) {
      Cut& cut = cuts[topic];
      std::int32_t size = cut.share;
      if (cut.longer > 0) {
        ++size;
        --cut.longer;
      }
      if (size == 0) continue;
      std::vector<std::int32_t> range(static_cast<std::size_t>(size));
      std::iota(range.begin(), range.end(), cut.next);
      cut.next += size;
      assigned[member].emplace_hint(assigned[member].end(), input.topics[topic].id, std::move(range));
    }
  }
  return assigned;
}

}  // namespace cms::coordinator
