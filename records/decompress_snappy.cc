// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <snappy.h>

#include "records/decompress_streams.h"
#include "records/snappy_framing.h"

namespace cms::records::internal {
namespace {

// The densest element is a copy: 64 bytes out of 3. A block that claims more than that is not one.
constexpr std::size_t ratio_max = 22;

class SnappyStream final : public Stream {
 public:
  void open(ByteSpan input) override {
    input_ = input;
    plain_ = {};
    failed_ = false;
    if (capacity_ > retained_bytes_max) {
      block_.reset();
      capacity_ = 0;
    }
    framed_ = input.size() >= snappy_framing::header_size &&
              std::equal(snappy_framing::magic.begin(), snappy_framing::magic.end(), input.begin());
    if (framed_) {
      failed_ = base::load_big<std::int32_t>(input.data() + snappy_framing::magic.size()) < snappy_framing::version;
      input_ = input.subspan(snappy_framing::header_size);
    }
    if (input.empty()) failed_ = true;
  }

  base::Result<std::size_t> read(MutableByteSpan to) override {
    while (plain_.empty()) {
      if (failed_) return garbled("the snappy stream is garbled");
      if (input_.empty()) return std::size_t{0};
      failed_ = !next_block();
    }
    const std::size_t size = std::min(to.size(), plain_.size());
    std::memcpy(to.data(), plain_.data(), size);
    plain_ = plain_.subspan(size);
    return size;
  }

 private:
  bool next_block() {
    ByteSpan block = input_;
    if (framed_) {
      if (input_.size() < sizeof(std::int32_t)) return false;
      const auto size = base::load_big<std::int32_t>(input_.data());
      input_ = input_.subspan(sizeof(std::int32_t));
      if (size <= 0 || static_cast<std::size_t>(size) > input_.size()) return false;
      block = input_.first(static_cast<std::size_t>(size));
    }
    input_ = input_.subspan(block.size());
    const auto* compressed = reinterpret_cast<const char*>(block.data());
    std::size_t size = 0;
    if (!snappy::GetUncompressedLength(compressed, block.size(), &size) || size / ratio_max > block.size())
      return false;
    if (size > capacity_ || !block_) {
      block_ = std::make_unique_for_overwrite<char[]>(size);
      capacity_ = size;
    }
    if (!snappy::RawUncompress(compressed, block.size(), block_.get())) return false;
    plain_ = {reinterpret_cast<const std::byte*>(block_.get()), size};
    return true;
  }

  ByteSpan input_;  // not yet decompressed
  ByteSpan plain_;  // decompressed, not yet handed out; in block_
  std::unique_ptr<char[]> block_;
  std::size_t capacity_ = 0;
  bool framed_ = false;
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<Stream> make_snappy_stream() { return std::make_unique<SnappyStream>(); }

}  // namespace cms::records::internal
