// SPDX-License-Identifier: Apache-2.0
#include "records/decompress.h"

#include <algorithm>

#include "records/decompress_streams.h"

namespace cms::records {

namespace internal {
namespace {

class PlainStream final : public Stream {
 public:
  void open(ByteSpan input) override { input_ = input; }

  base::Result<std::size_t> read(MutableByteSpan to) override {
    const std::size_t size = std::min(to.size(), input_.size());
    if (size > 0) std::memcpy(to.data(), input_.data(), size);
    input_ = input_.subspan(size);
    return size;
  }

 private:
  ByteSpan input_;
};

}  // namespace

std::unique_ptr<Stream> make_plain_stream() { return std::make_unique<PlainStream>(); }

base::Error garbled(std::string_view what) { return {base::ErrorKind::invalid, std::string(what)}; }

}  // namespace internal

Decompressor::Decompressor() = default;
Decompressor::~Decompressor() = default;
Decompressor::Decompressor(Decompressor&&) noexcept = default;
Decompressor& Decompressor::operator=(Decompressor&&) noexcept = default;

void Decompressor::open(Codec codec, ByteSpan compressed) {
  CHECK(is_known(codec));
  std::unique_ptr<internal::Stream>& stream = streams_[static_cast<std::size_t>(codec)];
  if (!stream) {
    switch (codec) {
      case Codec::none:
        stream = internal::make_plain_stream();
        break;
      case Codec::gzip:
        stream = internal::make_gzip_stream();
        break;
      case Codec::snappy:
        stream = internal::make_snappy_stream();
        break;
      case Codec::lz4:
        stream = internal::make_lz4_stream();
        break;
      case Codec::zstd:
        stream = internal::make_zstd_stream();
        break;
    }
  }
  current_ = stream.get();
  current_->open(compressed);
}

base::Result<std::size_t> Decompressor::read(MutableByteSpan to) {
  CHECK(current_ != nullptr && !to.empty());
  return current_->read(to);
}

}  // namespace cms::records
