// SPDX-License-Identifier: Apache-2.0
#include "broker/metadata/topic_name.h"

#include <algorithm>

namespace cms::broker {

namespace {

bool is_legal(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

}  // namespace

std::optional<std::string> why_not_topic_name(std::string_view name) {
  const std::string prefix = "Topic name is invalid: ";
  const std::string quoted = "'" + std::string(name.substr(0, 2 * topic_name_bytes_max)) + "'";
  if (name.empty()) return prefix + "the empty string is not allowed";
  if (name == "." || name == "..") return prefix + quoted + " is not allowed";
  if (name.size() > topic_name_bytes_max) {
    return prefix + "the length of " + quoted + " is longer than the max allowed length " +
           std::to_string(topic_name_bytes_max);
  }
  if (std::ranges::all_of(name, is_legal)) return std::nullopt;
  return prefix + quoted + " contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'";
}

std::string topic_collision_key(std::string_view name) {
  std::string key(name);
  std::ranges::replace(key, '.', '_');
  return key;
}

bool is_internal_topic(std::string_view name) {
  return name == "__consumer_offsets" || name == "__transaction_state" || name == "__share_group_state";
}

}  // namespace cms::broker
