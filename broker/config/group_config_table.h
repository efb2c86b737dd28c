// SPDX-License-Identifier: Apache-2.0
// The one place that lists the group configs.
#pragma once

#include <span>
#include <string_view>

#include "broker/config/config_value.h"

namespace cms::broker {

// An option of the broker, and what it is when nobody sets it.
struct GroupOption {
  std::string_view name;  // empty: there is none
  std::string_view default_text;
};

struct GroupConfigSpec {
  std::string_view name;
  GroupOption preset;  // gives the default; its name is the config's own where the broker has no such option
  ValueRule rule;
  GroupOption least;  // numbers: bounds beyond the rule's
  GroupOption most;
  std::string_view documentation;
};

// Sorted by name.
std::span<const GroupConfigSpec> group_config_table();

// Null: Kafka has none of that name.
const GroupConfigSpec* find_group_config(std::string_view name);

inline constexpr std::string_view offset_reset_config = "share.auto.offset.reset";

// earliest, latest, or by_duration: with an ISO 8601 duration of days to seconds that is not negative.
bool is_offset_reset(std::string_view text);

}  // namespace cms::broker
