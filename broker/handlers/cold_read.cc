// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/cold_read.h"

namespace cms::broker {

ColdSlice find_in_cold(base::ByteSpan bytes, Offset offset, Offset below, std::size_t bytes_max) {
  ColdSlice slice;
  std::size_t at = 0;
  while (true) {
    const base::ByteSpan rest = bytes.subspan(at);
    const auto declared = records::BatchView::declared_size(rest);
    if (!declared) break;  // the end of the piece, or the zeros behind the last batch
    const auto batch = records::BatchView::frame(rest);
    if (!batch) {
      const bool wanted = slice.size == 0 && *declared > rest.size();
      if (wanted) {
        slice.from = at;
        slice.missing = *declared;
      }
      break;
    }
    if (batch->last_offset() < offset) {
      at += *declared;
      continue;
    }
    if (batch->base_offset() >= below) break;
    if (slice.size == 0) slice.from = at;
    if (slice.size > 0 && slice.size + *declared > bytes_max) break;
    slice.size += *declared;
    at += *declared;
  }
  return slice;
}

ColdRead::ColdRead(storage::IoQueue& files, storage::ReadBuffers& buffers, storage::ColdRange range, Wanted wanted)
    : files_(files), buffers_(buffers), range_(std::move(range)), wanted_(wanted) {}

void ColdRead::start(std::function<void(base::Bytes)> done) {
  done_ = std::move(done);
  read(range_.position, range_.bytes);
}

void ColdRead::read(std::uint64_t position, std::size_t bytes) {
  position_ = position;
  size_ = bytes;
  memory_ = buffers_.take(bytes);
  files_.read(*range_.file, position, {memory_.get(), bytes}, *this);
}

void ColdRead::completed(base::Result<std::size_t> bytes) noexcept {
  base::Bytes records;
  if (bytes) {
    const base::ByteSpan got{memory_.get(), *bytes};
    const ColdSlice slice = find_in_cold(got, wanted_.offset, wanted_.below, wanted_.bytes_max);
    if (slice.missing > 0 && *bytes == size_ && (slice.from > 0 || slice.missing > size_)) {
      return read(position_ + slice.from, slice.missing);
    }
    if (slice.size > 0) records = {std::move(memory_), got.subspan(slice.from, slice.size)};
  }
  const auto done = std::move(done_);  // may be the end of this
  done(std::move(records));
}

}  // namespace cms::broker
