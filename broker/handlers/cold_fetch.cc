// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/cold_fetch.h"

#include <algorithm>

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

ColdFetch::ColdFetch(Core& core, FetchHandler& handler, const FetchParameters& parameters, FetchContext context,
                     std::vector<ColdPartition> cold)
    : Pending(core), handler_(handler), parameters_(parameters), context_(std::move(context)), cold_(std::move(cold)) {}

void ColdFetch::begin() {
  self_ = shared_from_this();
  remaining_ = cold_.size();
  std::size_t bytes = 0;
  for (const ColdPartition& cold : cold_) bytes += cold.range.bytes;
  hold(bytes);
  for (ColdPartition& cold : cold_) readings_.push_back(std::make_unique<Reading>(*this, cold));
  for (std::size_t i = 0; i < cold_.size(); ++i) readings_[i]->start(cold_[i].range.position, cold_[i].range.bytes);
}

void ColdFetch::answer(protocol::FrameBuffer& out) {
  handler_.collect(parameters_, context_, &cold_);
  handler_.write(parameters_, context_, out);
}

void ColdFetch::Reading::start(std::uint64_t position, std::size_t bytes) {
  position_ = position;
  size_ = bytes;
  memory_ = std::make_shared_for_overwrite<std::byte[]>(bytes);
  fetch_.core().files().read(*cold_.range.file, position, {memory_.get(), bytes}, *this);
}

void ColdFetch::Reading::completed(base::Result<std::size_t> bytes) noexcept {
  if (!bytes) return finish();  // answered without records; what is wrong with the file shows when it is opened again
  const base::ByteSpan got{memory_.get(), *bytes};
  const ColdSlice slice = find_in_cold(got, cold_.wanted->fetch_offset, cold_.below, cold_.bytes_max);
  if (slice.missing > 0 && *bytes == size_ && (slice.from > 0 || slice.missing > size_)) {
    return start(position_ + slice.from, slice.missing);
  }
  if (slice.size > 0) cold_.records = {memory_, got.subspan(slice.from, slice.size)};
  finish();
}

void ColdFetch::Reading::finish() {
  if (--fetch_.remaining_ > 0) return;
  const std::shared_ptr<Pending> self = std::move(fetch_.self_);
  self->wake();
}

}  // namespace cms::broker
