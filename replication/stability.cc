// SPDX-License-Identifier: Apache-2.0
#include "replication/stability.h"

#include <algorithm>

namespace cms::replication {

StabilityFrontier::StabilityFrontier(View view, std::int64_t held_by_all)
    : view_(std::move(view)), held_(view_.members.size(), held_by_all), stable_(held_by_all) {
  CHECK(!view_.members.empty());
}

bool StabilityFrontier::acknowledge(NodeId member, std::int64_t end) {
  for (std::size_t i = 0; i < view_.members.size(); ++i) {
    if (view_.members[i] != member) continue;
    if (end <= held_[i]) return false;
    held_[i] = end;
    return advance();
  }
  return false;
}

void StabilityFrontier::install(View view, std::int64_t held_by_new) {
  CHECK(view.number > view_.number && !view.members.empty() && held_by_new >= stable_);
  std::vector<std::int64_t> held;
  for (const NodeId member : view.members) {
    const auto old = std::find(view_.members.begin(), view_.members.end(), member);
    held.push_back(old == view_.members.end() ? held_by_new
                                              : held_[static_cast<std::size_t>(old - view_.members.begin())]);
  }
  view_ = std::move(view);
  held_ = std::move(held);
  advance();
}

bool StabilityFrontier::advance() {
  const std::int64_t least = *std::min_element(held_.begin(), held_.end());
  if (least <= stable_) return false;
  stable_ = least;
  return true;
}

}  // namespace cms::replication
