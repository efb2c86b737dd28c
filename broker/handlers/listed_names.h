// SPDX-License-Identifier: Apache-2.0
// Names as a request lists them. One that is listed several times is answered once, with an error.
#pragma once

#include <string_view>
#include <unordered_map>
#include <utility>

namespace cms::broker {

// Borrows the names.
class ListedNames {
 public:
  enum class Turn { once, repeated, answered };

  void add(std::string_view name) { ++times_[name]; }

  // Of a name that was added: `repeated` the first time if it was added more than once, `answered` after that.
  Turn take(std::string_view name) {
    const int times = std::exchange(times_[name], 0);
    return times == 0 ? Turn::answered : times == 1 ? Turn::once : Turn::repeated;
  }

 private:
  std::unordered_map<std::string_view, int> times_;
};

}  // namespace cms::broker
