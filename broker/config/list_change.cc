// SPDX-License-Identifier: Apache-2.0
#include "broker/config/list_change.h"

#include <algorithm>

namespace cms::broker {

using Kind = ConfigOperation::Kind;

std::optional<ConfigRefusal> why_not_kind(const ConfigOperation& operation) {
  if (operation.kind >= Kind::set && operation.kind <= Kind::subtract) return std::nullopt;
  return ConfigRefusal{ConfigRefusal::Code::invalid_request,
                       "Unknown operation type " + std::to_string(static_cast<int>(operation.kind)) + " for " +
                           operation.name + "; it is 0 (set), 1 (delete), 2 (append) or 3 (subtract)"};
}

ConfigRefusal not_a_list(const ConfigOperation& operation) {
  const std::string_view verb = operation.kind == Kind::append ? "APPEND" : "SUBTRACT";
  return {ConfigRefusal::Code::invalid_config,
          "Can't " + std::string(verb) + " to key " + operation.name + " because its type is not LIST."};
}

std::string changed_list(std::string_view current, const ConfigOperation& operation) {
  std::vector<std::string> members = split_list(current);
  for (const std::string& member : split_list(operation.value.value_or(""))) {
    if (operation.kind == Kind::subtract) std::erase(members, member);
    if (operation.kind == Kind::append && std::ranges::find(members, member) == members.end())
      members.push_back(member);
  }
  return join_list(members);
}

}  // namespace cms::broker
