// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "broker/config/settings.h"

namespace cms::broker {

namespace {

// Optimal string alignment: insertions, deletions, replacements and swapped neighbours each count one.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

}  // namespace

std::string nearest_name(std::string_view name, const std::vector<std::string>& names) {
  constexpr std::size_t name_bytes_max = 128;  // nothing longer was meant to be an option
  if (name.size() > name_bytes_max) return {};
  // Underscores and dashes are dots that were guessed wrong.
  std::string dotted(name);
  for (char& c : dotted) c = c == '_' || c == '-' ? '.' : c;
  std::size_t least = std::max<std::size_t>(2, name.size() / 4) + 1;
  std::string nearest;
  for (const std::string& candidate : names) {
    const std::size_t distance = edit_distance(dotted, candidate);
    if (distance >= least) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest;
}

}  // namespace cms::broker
