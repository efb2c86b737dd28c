// SPDX-License-Identifier: Apache-2.0
// Reading the bytes of records from first to last, either where they lie or as they come out of a decompressor.
//
// This is the inner loop of validation: no call leaves the header while the bytes at hand suffice, and in place nothing
// is allocated or copied. Memory is the window, whatever the records claim.
#pragma once

#include <algorithm>

#include "records/decompress.h"
#include "records/varint.h"

namespace cms::records {

// Why a cursor could not go on.
enum class CursorFault : std::uint8_t {
  none,
  ended,      // more bytes were asked for than there are
  garbled,    // the compressed stream is not one
  too_large,  // more came out than the limit allows
  malformed,  // a varint longer than its type
};

// After a read has returned false, fault() tells why and the cursor is not to be read further. Borrows everything it is
// given. One thread.
class Cursor {
 public:
  // In place.
  explicit Cursor(ByteSpan bytes) : at_(bytes.data()), end_(at_ + bytes.size()), begin_(at_) {}

  // From an opened stream, through `window` (not empty), at most `bytes_max` in all.
  Cursor(Decompressor& stream, MutableByteSpan window, std::size_t bytes_max)
      : at_(window.data()), end_(at_), begin_(at_), stream_(&stream), window_(window), bytes_max_(bytes_max) {}

  // Bytes read so far.
  std::size_t position() const { return before_window_ + static_cast<std::size_t>(at_ - begin_); }

  // Where the next byte lies. In place it stays valid; from a stream until the next read.
  const std::byte* here() const { return at_; }

  CursorFault fault() const { return fault_; }

  // The bytes that can be read without asking the stream for more.
  std::size_t at_hand() const { return static_cast<std::size_t>(end_ - at_); }

  // Whether nothing follows. From a stream this is known only once the decompressor has checked its end, and a fault
  // may come of it: then false.
  bool at_end() { return at_ == end_ && !refill() && fault_ == CursorFault::ended; }

  bool read(std::byte& value) {
    if (at_ == end_ && !refill()) [[unlikely]]
      return false;
    value = *at_++;
    return true;
  }

  bool read(std::int32_t& value) {
    std::uint64_t folded = 0;
    if (!read_short(folded) && !read_groups(folded, varint32_bytes_max)) [[unlikely]]
      return false;
    value = unfold_sign(static_cast<std::uint32_t>(folded));
    return true;
  }

  bool read(std::int64_t& value) {
    std::uint64_t folded = 0;
    if (!read_short(folded) && !read_groups(folded, varint64_bytes_max)) [[unlikely]]
      return false;
    value = unfold_sign(folded);
    return true;
  }

  bool skip(std::size_t size) {
    if (size <= static_cast<std::size_t>(end_ - at_)) [[likely]] {
      at_ += size;
      return true;
    }
    return skip_over_windows(size);
  }

 private:
  bool read_short(std::uint64_t& folded) { return read_short_varint(at_, end_, folded); }

  bool read_groups(std::uint64_t& folded, std::size_t bytes_max) {
    folded = 0;
    unsigned shift = 0;
    for (std::size_t count = 0; count < bytes_max; ++count, shift += 7) {
      std::byte group;
      if (!read(group)) return false;
      folded |= std::to_integer<std::uint64_t>(group & std::byte{0x7f}) << shift;
      if (group < std::byte{0x80}) return true;
    }
    fault_ = CursorFault::malformed;
    return false;
  }

  bool refill();
  bool skip_over_windows(std::size_t size);

  const std::byte* at_;
  const std::byte* end_;
  const std::byte* begin_;
  std::size_t before_window_ = 0;
  CursorFault fault_ = CursorFault::none;

  // Null and empty in place.
  Decompressor* const stream_ = nullptr;
  const MutableByteSpan window_;
  const std::size_t bytes_max_ = 0;
};

}  // namespace cms::records
