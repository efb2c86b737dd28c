// SPDX-License-Identifier: Apache-2.0
// Text given on a command line, and bytes shown as text.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace cms::client {

// With \n \t \r \0 \\ and \xHH replaced; any other backslash stays as it is.
std::string unescape(std::string_view text);

bool is_utf8(std::string_view text);

std::string base64(base::ByteSpan bytes);

}  // namespace cms::client
