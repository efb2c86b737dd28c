// SPDX-License-Identifier: Apache-2.0
// What the broker changes in a batch before storing it, beyond offset and epoch: times and codec.
#pragma once

#include <vector>

#include "base/result.h"
#include "records/compress.h"
#include "records/decompress.h"

namespace cms::records {

// Sets the timestamp type and the greatest timestamp where the batch lies, and its checksum anew. With log_append_time
// `max_timestamp` is the append time, which readers then take for every record of the batch; the records keep the
// client's deltas. `batch` is a whole one.
void set_timestamps(MutableByteSpan batch, TimestampType type, TimestampMs max_timestamp);

// The same batch compressed otherwise: record bytes, offsets, times and producer fields stay, so that a retry of the
// original is still known as a duplicate. Holds the records decompressed as a whole; ErrorKind::full when they exceed
// `uncompressed_bytes_max`, ErrorKind::invalid when they are garbled.
base::Result<std::vector<std::byte>> recompress(const BatchView& batch, Codec target, std::optional<int> level,
                                                std::size_t uncompressed_bytes_max = uncompressed_bytes_max_default);

}  // namespace cms::records
