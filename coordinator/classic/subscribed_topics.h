// SPDX-License-Identifier: Apache-2.0
// The topics that the members of a group subscribe to, out of their metadata for the consumers' embedded protocol.
//
// Only the part that every version begins with is read: int16 version, int32 count, then the names, each with an int16
// length. So a coordinator understands subscriptions newer than itself.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/bytes.h"

namespace cms::coordinator {

class SubscribedTopics {
 public:
  using Names = std::set<std::string, std::less<>>;

  // False for bytes that are no subscription.
  bool add(const base::Bytes& metadata);

  Names take() && { return std::move(names_); }

 private:
  Names names_;
  base::Bytes last_;  // the part read of the last subscription: members mostly subscribe to the same topics
};

}  // namespace cms::coordinator
