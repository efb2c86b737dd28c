// SPDX-License-Identifier: Apache-2.0
#include <lz4frame.h>

#include "records/decompress_streams.h"

namespace cms::records::internal {
namespace {

// The frame's second byte after its magic: version in the two high bits, then block independence, then block checksum,
// content size, content checksum, a reserved bit and the dictionary bit.
constexpr std::size_t flags_at = 4;
constexpr unsigned must_be_mask = 0b1110'0011;
constexpr unsigned must_be = 0b0110'0000;

constexpr std::size_t block_size_at = 5;
constexpr unsigned largest_block_size = 7;  // 4 MiB, for which the context takes twice that; 6 is 1 MiB

constexpr std::uint32_t frame_magic = 0x184D2204;  // little-endian on the wire

class Lz4Stream final : public Stream {
 public:
  ~Lz4Stream() override { LZ4F_freeDecompressionContext(context_); }

  void open(ByteSpan input) override {
    if (large_) {
      LZ4F_freeDecompressionContext(context_);
      context_ = nullptr;
    }
    if (context_ == nullptr) {
      CHECK(!LZ4F_isError(LZ4F_createDecompressionContext(&context_, LZ4F_VERSION)));
    }
    LZ4F_resetDecompressionContext(context_);
    input_ = input;
    ended_ = false;
    failed_ = !is_supported(input);
    large_ = !failed_ && (std::to_integer<unsigned>(input[block_size_at]) >> 4) == largest_block_size;
  }

  base::Result<std::size_t> read(MutableByteSpan to) override {
    while (!ended_ && !failed_) {
      std::size_t written = to.size();
      std::size_t consumed = input_.size();
      const std::size_t outcome = LZ4F_decompress(context_, to.data(), &written, input_.data(), &consumed, nullptr);
      input_ = input_.subspan(consumed);
      if (LZ4F_isError(outcome)) break;
      if (outcome == 0) {
        ended_ = true;
        if (!input_.empty()) break;
      }
      if (written > 0) return written;
      if (!ended_ && consumed == 0) break;  // wants bytes that are not there
    }
    if (ended_ && !failed_ && input_.empty()) return std::size_t{0};
    failed_ = true;
    return garbled("the lz4 frame is garbled");
  }

 private:
  static bool is_supported(ByteSpan input) {
    std::uint32_t magic = 0;
    if (input.size() <= block_size_at) return false;
    std::memcpy(&magic, input.data(), sizeof magic);
    return magic == frame_magic && (std::to_integer<unsigned>(input[flags_at]) & must_be_mask) == must_be;
  }

  LZ4F_dctx* context_ = nullptr;
  ByteSpan input_;
  bool ended_ = false;
  bool failed_ = false;
  bool large_ = false;  // this frame makes the context grow beyond retained_bytes_max
};

}  // namespace

std::unique_ptr<Stream> make_lz4_stream() { return std::make_unique<Lz4Stream>(); }

}  // namespace cms::records::internal
