// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648, section 4) with padding.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cms::client::bench {

std::string to_base64(std::string_view bytes);
base::Result<std::string> from_base64(std::string_view text);

}  // namespace cms::client::bench
