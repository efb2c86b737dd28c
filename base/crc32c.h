// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum of Kafka's record batches and of our own files.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace cms::base {

// The checksum of `bytes`, or of what came before followed by `bytes` when given the checksum of what came before.
std::uint32_t crc32c(ByteSpan bytes, std::uint32_t before = 0);

}  // namespace cms::base
