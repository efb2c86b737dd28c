// SPDX-License-Identifier: Apache-2.0
// Who must be heard of until when. One entry per member id; setting it again moves it without allocating.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "coordinator/call.h"

namespace cms::coordinator {

class Sessions {
 public:
  void set(std::string_view id, std::int64_t until_ms) {
    auto position = by_id_.find(id);
    if (position == by_id_.end()) {
      position = by_id_.emplace(std::string(id), Queue::iterator{}).first;
      position->second = queue_.emplace(until_ms, position->first).first;
      return;
    }
    auto node = queue_.extract(position->second);
    node.value().first = until_ms;
    position->second = queue_.insert(std::move(node)).position;
  }

  void set_if_absent(std::string_view id, std::int64_t until_ms) {
    if (!by_id_.contains(id)) set(id, until_ms);
  }

  void drop(std::string_view id) {
    const auto position = by_id_.find(id);
    if (position == by_id_.end()) return;
    queue_.erase(position->second);
    by_id_.erase(position);
  }

  // One whose time has come, and forgets it.
  std::optional<std::string> take_expired(std::int64_t now_ms) {
    if (first_ms() > now_ms) return std::nullopt;
    std::string id(queue_.begin()->second);
    drop(id);
    return id;
  }

  std::int64_t first_ms() const { return queue_.empty() ? never : queue_.begin()->first; }

 private:
  using Queue = std::set<std::pair<std::int64_t, std::string_view>>;  // the texts are keys of by_id_

  Queue queue_;
  std::map<std::string, Queue::iterator, std::less<>> by_id_;
};

}  // namespace cms::coordinator
