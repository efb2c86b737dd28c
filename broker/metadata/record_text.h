// SPDX-License-Identifier: Apache-2.0
// The values in the ConfigurationStore as lines of text, "name value": readable with any tool that shows the store, and
// a newer version may add names that an older one skips. Pure.
//
//   id 3kfjQm2pTkyE1nq0eO7s5w
//   partitions 4
//   config.retention.ms 60000
//
// Bytes below 0x21 and '%' in names, and line ends, other control bytes and '%' in values, are written %XX.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "broker/config/config_value.h"
#include "broker/metadata/metadata.h"

namespace cms::broker {

using RecordLine = std::pair<std::string, std::string>;

std::string write_lines(const std::vector<RecordLine>& lines);
std::optional<std::vector<RecordLine>> read_lines(std::string_view text);

std::string write_topic(const TopicRecord& topic);  // all but the name, which is in the key
std::optional<TopicRecord> read_topic(std::string name, std::string_view text);

std::string write_deleted(const DeletedTopic& topic);  // all but the id, which is in the key
std::optional<DeletedTopic> read_deleted(const base::Uuid& id, std::string_view text);

std::string write_configs(const ConfigMap& configs);
std::optional<ConfigMap> read_configs(std::string_view text);

}  // namespace cms::broker
