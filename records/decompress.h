// SPDX-License-Identifier: Apache-2.0
// Undoing the codecs of Kafka's batches, piece by piece.
//
// What is accepted is what Kafka's own readers accept, since a batch that we store and they cannot read would stop
// every consumer of its partition:
//   gzip    RFC 1952, one member or several
//   snappy  snappy-java's framing (a 16-byte header, then chunks: size int32, one snappy block), or one bare block
//   lz4     one frame of version 1 with independent blocks and without a dictionary; nothing after it
//   zstd    RFC 8878, one frame or several, windows of up to 128 MiB
//
// Memory: gzip 48 KiB, lz4 up to 9 MiB (its frame's block size), zstd the frame's window as far as bytes have come out
// of it, snappy one block, which cannot exceed 22 times the bytes given (the format's greatest ratio). Whatever grew
// beyond retained_bytes_max is given back when the next stream is opened.
#pragma once

#include <memory>

#include "base/result.h"
#include "records/batch.h"

namespace cms::records {

// What a batch may hold once decompressed, where the caller does not say otherwise.
inline constexpr std::size_t uncompressed_bytes_max_default = std::size_t{128} << 20;

// A decoder keeps its tables between streams unless they are larger than this, which is more than the 2 MiB windows
// that Kafka's clients make with zstd.
inline constexpr std::size_t retained_bytes_max = std::size_t{4} << 20;

namespace internal {
class Stream;  // one codec's decoder
}

// Reusable: each codec's state is made when the first stream of it is opened, and kept. One thread at a time.
class Decompressor {
 public:
  Decompressor();
  ~Decompressor();
  Decompressor(Decompressor&&) noexcept;
  Decompressor& operator=(Decompressor&&) noexcept;

  // Begins a stream; a former one is dropped. The caller keeps `compressed` until the last read. Codec::none hands the
  // bytes through. `codec` must be known.
  void open(Codec codec, ByteSpan compressed);

  // Fills `to`, not empty, with at least one byte, or returns 0 at the stream's end, by then checked to be its end: no
  // bytes are left over and the checksums that the codec has were right. ErrorKind::invalid when the bytes are not a
  // stream of the codec; then the stream is over.
  base::Result<std::size_t> read(MutableByteSpan to);

 private:
  std::unique_ptr<internal::Stream> streams_[5];  // by codec
  internal::Stream* current_ = nullptr;
};

}  // namespace cms::records
