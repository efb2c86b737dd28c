// SPDX-License-Identifier: Apache-2.0
// The version of one API's messages, as negotiated by ApiVersions.
#pragma once

#include <cstdint>

namespace cms::protocol {

using Version = std::int16_t;

struct VersionRange {
  Version first = 0;
  Version last = 0;

  constexpr bool contains(Version version) const { return version >= first && version <= last; }
  bool operator==(const VersionRange&) const = default;
};

}  // namespace cms::protocol
