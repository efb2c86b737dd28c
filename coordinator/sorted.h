// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <vector>

namespace cms::coordinator {

// Ascending and without doubles, as everything is kept here that is searched or compared.
template <typename T>
void sort_without_doubles(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace cms::coordinator
