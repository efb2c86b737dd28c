// SPDX-License-Identifier: Apache-2.0
// The public errors of what failed inside.
#pragma once

#include <cms/error.h>

#include <optional>
#include <string>

#include "base/result.h"
#include "protocol/errors.h"

namespace cms::client {

cms::Error told(const base::Error& error);

// What the broker refused: its own words if it gave any, and Kafka's name for it.
cms::Error told(protocol::ErrorCode code, const std::optional<std::string>& message, std::string_view doing);

}  // namespace cms::client
