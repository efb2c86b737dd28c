// SPDX-License-Identifier: Apache-2.0
// What a request lists. Something that is listed several times is answered once, with an error.
#pragma once

#include <map>
#include <string_view>
#include <utility>

namespace cms::broker {

enum class Turn { once, repeated, answered };

template <typename Key>
class Listed {
 public:
  void add(const Key& key) { ++times_[key]; }

  // Of a key that was added: `repeated` the first time if it was added more than once, `answered` after that.
  Turn take(const Key& key) {
    const int times = std::exchange(times_[key], 0);
    return times == 0 ? Turn::answered : times == 1 ? Turn::once : Turn::repeated;
  }

 private:
  std::map<Key, int> times_;
};

// Borrows the names.
using ListedNames = Listed<std::string_view>;

}  // namespace cms::broker
