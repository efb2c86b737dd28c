// SPDX-License-Identifier: Apache-2.0
// How cmsd is told: defaults < configuration file < environment < flags.
//
// File: TOML, where an option's dotted name is a dotted key (`num.partitions = 4`, or `partitions = 4` under `[num]`),
// or a Kafka server.properties (by its extension .properties, or when its first setting is no TOML). Environment: CMS_
// and the name in capitals with two underscores for each dot, CMS_NUM__PARTITIONS=4. Flags: --set num.partitions=4 and
// the shorter
// --data, --listen, --admin.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "broker/config/config_value.h"
#include "broker/config/options.h"

namespace cms::broker {

// One value, before it is checked.
struct Setting {
  std::string name;
  std::string value;
  std::string where;   // "cmsd.toml:12:5", "environment CMS_NUM__PARTITIONS", "--set"
  bool strict = true;  // an unknown name is an error; otherwise a warning
  bool adds = false;   // a list's entries, put before those that were given elsewhere, which stay
};

struct Configuration {
  Options options;
  std::vector<std::string> warnings;  // to be logged once at start, one line each
  std::string file;                   // empty: none
};

// --check-data: a data directory to be looked at instead of served.
struct CheckDataCommand {
  std::string directory;
  bool json = false;
  bool despite_lock = false;
};

// What the command line asks for. When `run` is false and there is nothing to check the program prints `output` (to
// standard error if exit_code is not 0) and exits.
struct Command {
  bool run = false;
  std::optional<CheckDataCommand> check_data{};
  int exit_code = 0;
  std::string output;
  Configuration configuration;
};

// The whole of it, for main(): arguments without the program's name, and the environment's variables.
Command read_command_line(std::span<const std::string> arguments, const ConfigMap& environment,
                          std::string_view version);

// The process's environment as a map.
ConfigMap environment_of_process(const char* const* environment);

// From parts; errors hold one line for each thing that is wrong.
base::Result<Configuration> load_configuration(const std::string& file, const ConfigMap& environment,
                                               std::span<const Setting> flags);

// TOML with every option, its default as a comment and what was given explicitly in force.
std::string print_configuration(const Options& options);

}  // namespace cms::broker
