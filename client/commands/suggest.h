// SPDX-License-Identifier: Apache-2.0
// What somebody probably meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace cms::client {

// " (did you mean 'describe'?)" when one of the names is close to what was written, else nothing.
std::string did_you_mean(std::string_view written, std::span<const std::string> names);

}  // namespace cms::client
