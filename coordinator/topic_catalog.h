// SPDX-License-Identifier: Apache-2.0
// The topics of the cluster as a group coordinator needs them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/uuid.h"

namespace cms::coordinator {

struct TopicInfo {
  std::string name;
  base::Uuid id;
  std::int32_t partition_count = 0;
};

// Implemented by the host. Called within a step, on its thread; must not wait.
class TopicCatalog {
 public:
  virtual ~TopicCatalog() = default;

  virtual std::optional<TopicInfo> find(std::string_view name) const = 0;
  virtual std::optional<TopicInfo> find(const base::Uuid& id) const = 0;
  virtual void for_each(const std::function<void(const TopicInfo&)>& visit) const = 0;

  // Rises with every change of what the others answer.
  virtual std::uint64_t generation() const = 0;
};

}  // namespace cms::coordinator
