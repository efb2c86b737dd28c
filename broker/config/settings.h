// SPDX-License-Identifier: Apache-2.0
// Reading settings from text: what is said, and where, before anybody asks whether it makes sense. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "broker/config/config_value.h"
#include "broker/config/configuration.h"

namespace cms::broker {

inline constexpr std::size_t configuration_bytes_max = 1024 * 1024;

struct FileSettings {
  std::vector<Setting> settings;
  std::vector<std::vector<Setting>> pools;  // the tables of [[pool]], in order
};

// `file` is only for messages. Errors say "file:line:column: why".
base::Result<FileSettings> read_toml(std::string_view text, std::string_view file);

// Java's properties format: key, then '=', ':' or blanks, then value; backslashes escape and continue lines. Never
// fails on syntax, as Java does not, except for a malformed \uXXXX.
base::Result<FileSettings> read_properties(std::string_view text, std::string_view file);

// load_configuration() without reading the file: `name` is only noted.
base::Result<Configuration> make_configuration(const std::string& name, const FileSettings& file,
                                               const ConfigMap& environment, std::span<const Setting> flags);

// Whether a file is a server.properties rather than TOML: by its extension, otherwise by its first setting.
bool looks_like_properties(std::string_view text, std::string_view file);

// CMS_NUM__PARTITIONS=4 is num.partitions = 4: capitals, two underscores for a dot. Variables without two underscores
// are taken when they name an option (CMS_LISTENERS) and left alone otherwise (CMS_BOOTSTRAP is the command line's).
std::vector<Setting> read_environment(const ConfigMap& environment, const std::vector<std::string>& option_names);

// The one of `names` that `name` was probably meant to be; empty if none is near.
std::string nearest_name(std::string_view name, const std::vector<std::string>& names);

// Whether Kafka has, or had, a broker option of that name.
bool is_kafka_option(std::string_view name);

}  // namespace cms::broker
