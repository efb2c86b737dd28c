// SPDX-License-Identifier: Apache-2.0
// The decoders behind Decompressor, one per codec. Only decompress*.cc include this.
#pragma once

#include <memory>
#include <string_view>

#include "records/decompress.h"

namespace cms::records::internal {

// open() and read() as Decompressor's. A stream that has failed or ended may be opened again.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual void open(ByteSpan input) = 0;
  virtual base::Result<std::size_t> read(MutableByteSpan to) = 0;
};

std::unique_ptr<Stream> make_plain_stream();
std::unique_ptr<Stream> make_gzip_stream();
std::unique_ptr<Stream> make_snappy_stream();
std::unique_ptr<Stream> make_lz4_stream();
std::unique_ptr<Stream> make_zstd_stream();

base::Error garbled(std::string_view what);

}  // namespace cms::records::internal
