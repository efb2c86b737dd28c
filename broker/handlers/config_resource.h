// SPDX-License-Identifier: Apache-2.0
// What a configuration request may name, and why it may not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/errors.h"
#include "protocol/types.h"

namespace cms::broker {

using protocol::ErrorCode;

// No error, or why a resource is neither shown nor changed.
struct ConfigVerdict {
  ErrorCode error = ErrorCode::none;
  std::string message;

  bool ok() const { return error == ErrorCode::none; }
};

// The name of a broker resource: this node's id, or, where `or_default`, empty for what all brokers have by default.
ConfigVerdict check_broker_name(const std::string& name, std::int32_t node_id, bool or_default);

// Names of resources that are no topic and no broker: not empty. Types that Kafka does not have are INVALID_REQUEST.
ConfigVerdict check_other_resource(protocol::ConfigResourceType type, const std::string& name);

}  // namespace cms::broker
