// SPDX-License-Identifier: Apache-2.0
#include "protocol/wire_reader.h"

#include <string>

#include "base/check.h"

namespace cms::protocol {

base::Error WireReader::error() const {
  CHECK(failed());
  return {base::ErrorKind::invalid, std::string(failure_) + " (at byte " + std::to_string(failed_at_) + ")"};
}

std::uint64_t WireReader::long_varint(unsigned bits) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < bits; shift += 7) {
    const auto byte = integer<std::uint8_t>();
    if (failed()) return 0;
    const std::uint64_t part = byte & 0x7f;
    if (shift + 7 > bits && part >> (bits - shift) != 0) break;  // more bits than the number has
    value |= part << shift;
    if (byte < 0x80) return value;
  }
  fail("a variable-length number is too long");
  return 0;
}

}  // namespace cms::protocol
