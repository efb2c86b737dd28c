// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#define CMS_VERSION_MAJOR 0
#define CMS_VERSION_MINOR 1
#define CMS_VERSION_PATCH 0

namespace cms {

// Of the library that is linked, as "0.1.0".
std::string_view version();

}  // namespace cms
