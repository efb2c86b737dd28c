// SPDX-License-Identifier: Apache-2.0
// Numbers with names that several messages share. A value off the wire may be none of those listed.
#pragma once

#include <cstdint>
#include <limits>

namespace cms::protocol {

enum class IsolationLevel : std::int8_t { read_uncommitted = 0, read_committed = 1 };

enum class CoordinatorType : std::int8_t { group = 0, transaction = 1, share = 2 };

enum class EndpointType : std::int8_t { brokers = 1, controllers = 2 };

enum class ConfigResourceType : std::int8_t {
  unknown = 0,
  topic = 2,
  broker = 4,
  broker_logger = 8,
  client_metrics = 16,
  group = 32,
};

// Where a configuration's value comes from.
enum class ConfigSource : std::int8_t {
  none = -1,
  unknown = 0,
  dynamic_topic = 1,
  dynamic_broker = 2,
  dynamic_default_broker = 3,
  static_broker = 4,
  default_value = 5,
  dynamic_broker_logger = 6,
  client_metrics = 7,
  group = 8,
};

enum class ConfigType : std::int8_t {
  unknown = 0,
  boolean = 1,
  string = 2,
  int32 = 3,
  int16 = 4,
  int64 = 5,
  float64 = 6,
  list = 7,
  class_name = 8,
  password = 9,
};

enum class ConfigOperation : std::int8_t { set = 0, remove = 1, append = 2, subtract = 3 };

// In place of a bit field of authorized operations when the client did not ask for it (KIP-430).
inline constexpr std::int32_t authorized_operations_omitted = std::numeric_limits<std::int32_t>::min();

}  // namespace cms::protocol
