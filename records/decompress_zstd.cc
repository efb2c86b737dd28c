// SPDX-License-Identifier: Apache-2.0
#include <zstd.h>

#include "records/decompress_streams.h"

namespace cms::records::internal {
namespace {

// What Kafka's own reader allows, so that the highest levels can be read.
constexpr int window_log_max = 27;

class ZstdStream final : public Stream {
 public:
  ~ZstdStream() override { ZSTD_freeDCtx(context_); }

  void open(ByteSpan input) override {
    if (context_ != nullptr && ZSTD_sizeof_DCtx(context_) > retained_bytes_max) {
      ZSTD_freeDCtx(context_);
      context_ = nullptr;
    }
    if (context_ == nullptr) {
      context_ = ZSTD_createDCtx();
      CHECK(context_ != nullptr);
      CHECK(!ZSTD_isError(ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, window_log_max)));
    }
    ZSTD_DCtx_reset(context_, ZSTD_reset_session_only);
    input_ = {input.data(), input.size(), 0};
    between_frames_ = false;
    failed_ = false;
  }

  base::Result<std::size_t> read(MutableByteSpan to) override {
    ZSTD_outBuffer output{to.data(), to.size(), 0};
    while (!failed_ && output.pos == 0) {
      if (between_frames_ && input_.pos == input_.size) return std::size_t{0};
      const std::size_t consumed_before = input_.pos;
      const std::size_t outcome = ZSTD_decompressStream(context_, &output, &input_);
      between_frames_ = outcome == 0;
      const bool stuck = output.pos == 0 && input_.pos == consumed_before && !between_frames_;
      failed_ = ZSTD_isError(outcome) || stuck;
    }
    if (failed_) return garbled("the zstd stream is garbled");
    return output.pos;
  }

 private:
  ZSTD_DCtx* context_ = nullptr;
  ZSTD_inBuffer input_{};
  bool between_frames_ = false;
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<Stream> make_zstd_stream() { return std::make_unique<ZstdStream>(); }

}  // namespace cms::records::internal
