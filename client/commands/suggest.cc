// SPDX-License-Identifier: Apache-2.0
#include "client/commands/suggest.h"

#include <algorithm>
#include <vector>

namespace cms::client {

namespace {

// Insertions, deletions, replacements and swaps of neighbours that lead from one to the other (optimal string
// alignment).
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::vector<std::size_t>> cost(from.size() + 1, std::vector<std::size_t>(to.size() + 1));
  for (std::size_t i = 0; i <= from.size(); ++i) {
    for (std::size_t k = 0; k <= to.size(); ++k) {
      if (i == 0 || k == 0) {
        cost[i][k] = i + k;
        continue;
      }
      const std::size_t replace = cost[i - 1][k - 1] + (from[i - 1] == to[k - 1] ? 0 : 1);
      cost[i][k] = std::min({cost[i - 1][k] + 1, cost[i][k - 1] + 1, replace});
      if (i > 1 && k > 1 && from[i - 1] == to[k - 2] && from[i - 2] == to[k - 1])
        cost[i][k] = std::min(cost[i][k], cost[i - 2][k - 2] + 1);
    }
  }
  return cost[from.size()][to.size()];
}

}  // namespace

std::string did_you_mean(std::string_view written, std::span<const std::string> names) {
  constexpr std::size_t written_bytes_max = 64;  // the cost is quadratic
  if (written.size() > written_bytes_max) return {};
  const std::string* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(written.size() / 2, 1) + 1;
  for (const std::string& name : names) {
    const std::size_t to_name = name.starts_with(written) && !written.empty() ? 1 : distance(written, name);
    if (to_name >= best_distance) continue;
    best = &name;
    best_distance = to_name;
  }
  return best == nullptr ? std::string{} : " (did you mean '" + *best + "'?)";
}

}  // namespace cms::client
