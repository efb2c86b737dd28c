// SPDX-License-Identifier: Apache-2.0
// Frames on their way out: what one connection has to send next.
//
//   bytes_    [size|header|fields......|fields...][size|header|fields]
//   splices_                           ^ a slice of a log
//
// Fields are copied into one buffer that is used again and again; record batches are kept as references, each with the
// position in the buffer before which it goes on the wire. Several frames may be appended one after another and sent by
// one gather write. After the first few frames nothing is allocated.
//
// One thread. A reference (RecordsView) without an owner must stay valid until the frames are sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"

namespace cms::protocol {

class FrameBuffer {
 public:
  // Every frame is a big-endian int32 size and that many bytes. begin_frame() leaves room for the size, end_frame()
  // sets it. CHECKs that the frame stays below 2 GiB: handlers bound the records they put into one response.
  void begin_frame();
  void end_frame();

  // Takes back what was added since begin_frame().
  void abandon_frame();

  // Room for `count` more bytes, to be filled by the caller before the next call.
  std::byte* extend(std::size_t count) {
    if (memory_.size() - used_ < count) [[unlikely]]
      grow(count);
    std::byte* const at = memory_.data() + used_;
    used_ += count;
    return at;
  }
  void append(base::ByteSpan bytes);

  // Sends `bytes` after what was added so far, without copying.
  void splice(base::Bytes bytes);

  // Moves whole frames from `other`, which is empty then, behind ours. Neither has an open frame.
  void take(FrameBuffer& other);

  // For sizes that are known only after what they measure (tagged fields): the position of the next byte, and room for
  // `count` bytes made at an earlier position. Nothing may have been spliced since.
  std::size_t position() const { return used_; }
  std::byte* insert(std::size_t position, std::size_t count);

  // Bytes on the wire, references included.
  std::size_t size() const { return used_ + spliced_; }
  bool empty() const { return size() == 0; }

  // What to send, in order, no part empty; valid until the next change.
  std::span<const base::ByteSpan> gather();

  // Lets go of all references and keeps the memory, unless one large frame has made it larger than `keep_bytes`.
  void clear(std::size_t keep_bytes = std::size_t{1} << 20);

 private:
  struct Splice {
    std::size_t position;
    base::Bytes bytes;
  };

  void grow(std::size_t count);

  std::vector<std::byte> memory_;  // used up to used_; its size only grows, so that it is zeroed once
  std::size_t used_ = 0;
  std::size_t spliced_ = 0;
  std::size_t frame_start_ = 0;  // of the open frame
  std::size_t frame_spliced_ = 0;
  std::size_t frame_splices_ = 0;
  bool open_ = false;
  std::vector<Splice> splices_;
  std::vector<base::ByteSpan> parts_;
};

}  // namespace cms::protocol
