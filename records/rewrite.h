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

// Compresses batches otherwise. Keeps the codecs' tables between batches. One thread at a time.
class Recompressor {
 public:
  // The same batch: record bytes, offsets, times and producer fields stay, so that a retry of the original is still
  // known as a duplicate. Holds the records decompressed as a whole; ErrorKind::full when they exceed
  // `uncompressed_bytes_max`, ErrorKind::invalid when they are garbled. The result may be larger than the batch was,
  // and than the topic allows.
  base::Result<std::vector<std::byte>> recompress(const BatchView& batch, Codec target, std::optional<int> level,
                                                  std::size_t uncompressed_bytes_max = uncompressed_bytes_max_default);

 private:
  base::Result<std::size_t> decompress(const BatchView& batch, std::size_t bytes_max);

  Decompressor decompressor_;
  Compressor compressor_;
  std::vector<std::byte> plain_;  // given back at the next call when beyond retained_bytes_max
};

// The same without keeping anything.
inline base::Result<std::vector<std::byte>> recompress(
    const BatchView& batch, Codec target, std::optional<int> level,
    std::size_t uncompressed_bytes_max = uncompressed_bytes_max_default) {
  return Recompressor().recompress(batch, target, level, uncompressed_bytes_max);
}

}  // namespace cms::records
