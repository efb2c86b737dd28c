// SPDX-License-Identifier: Apache-2.0
// The one place that lists what cmsd can be told. Loading, --print-config, --check-config and DescribeConfigs of a
// broker all read this table.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/config/config_value.h"
#include "broker/config/options.h"

namespace cms::broker {

// For members that are no plain number or text. set() answers why not; empty when done.
struct CustomOption {
  std::string (*set)(Options& options, std::string_view text);
  std::string (*get)(const Options& options);
};

struct OptionSpec {
  // monostate: has no member; it gives topics a default, or is only looked up in Options::given.
  using Member = std::variant<std::monostate, bool Options::*, std::int32_t Options::*, std::int64_t Options::*,
                              std::string Options::*, CustomOption>;

  std::string name;     // Kafka's where Kafka has it; the same dotted key in TOML
  std::string section;  // heading in the printed configuration
  ValueRule rule;
  Member member;
  // What is in force unless it is said otherwise; absent when that is decided by other options or by the machine.
  std::optional<std::string> default_text;
  std::string example;   // printed in place of an absent default
  bool dynamic = false;  // can be changed while the broker runs
  std::string documentation;
};

// In the order of the printed configuration. Built once by whoever needs it; holds no pointers into itself.
class OptionTable {
 public:
  OptionTable();

  std::span<const OptionSpec> all() const { return options_; }
  const OptionSpec* find(std::string_view name) const;

 private:
  std::vector<OptionSpec> options_;
};

// The option's name when `name` is an older or shorter one of Kafka's (broker.id, log.dir), otherwise `name`.
std::string_view canonical_option(std::string_view name);

// Checks `text`, sets the member and notes it in Options::given. Empty when done, otherwise why not.
std::string set_option(Options& options, const OptionSpec& spec, std::string_view text);

// The value in force; absent for an option that is not set and has no default (log.retention.ms).
std::optional<std::string> option_text(const Options& options, const OptionSpec& spec);

}  // namespace cms::broker
