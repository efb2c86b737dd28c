// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "records/decompress_streams.h"

namespace cms::records::internal {
namespace {

constexpr int gzip_only_window_bits = 15 + 16;  // the largest window, gzip header and trailer required

class GzipStream final : public Stream {
 public:
  GzipStream() { CHECK(inflateInit2(&state_, gzip_only_window_bits) == Z_OK); }
  ~GzipStream() override { inflateEnd(&state_); }
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  void open(ByteSpan input) override {
    CHECK(inflateReset(&state_) == Z_OK);
    CHECK(input.size() <= std::numeric_limits<uInt>::max());
    state_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));  // zlib only reads from it
    state_.avail_in = static_cast<uInt>(input.size());
    member_ended_ = false;
    failed_ = false;
  }

  base::Result<std::size_t> read(MutableByteSpan to) override {
    if (failed_) return garbled("the gzip stream is garbled");
    const std::size_t wanted = std::min<std::size_t>(to.size(), std::numeric_limits<uInt>::max());
    state_.next_out = reinterpret_cast<Bytef*>(to.data());
    state_.avail_out = static_cast<uInt>(wanted);
    while (state_.avail_out == wanted) {
      if (member_ended_) {
        if (state_.avail_in == 0) return std::size_t{0};
        inflateReset(&state_);  // another member follows; both counts stay as they are
        member_ended_ = false;
      }
      const int outcome = inflate(&state_, Z_NO_FLUSH);
      if (outcome == Z_STREAM_END) {
        member_ended_ = true;
      } else if (outcome !=
                 Z_OK) {  // Z_BUF_ERROR, too: it could not go on although there is room, so bytes are missing
        failed_ = true;
        return garbled(outcome == Z_BUF_ERROR ? "the gzip stream ends early" : "the gzip stream is garbled");
      }
    }
    return wanted - state_.avail_out;
  }

 private:
  z_stream state_{};
  bool member_ended_ = false;
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<Stream> make_gzip_stream() { return std::make_unique<GzipStream>(); }

}  // namespace cms::records::internal
