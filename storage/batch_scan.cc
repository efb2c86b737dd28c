// SPDX-License-Identifier: Apache-2.0
#include "storage/batch_scan.h"

#include <algorithm>
#include <limits>

#include "base/crc32c.h"
#include "storage/segment_index.h"

namespace cms::storage {

using records::BatchView;

namespace {

bool may_begin_at(records::Offset base, const ScanState& state) {
  return base == state.next_offset || (base > state.next_offset && base < state.gaps_below);
}

bool all_zero(base::ByteSpan bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

// Empty when `batch` is what must come next.
std::string problem_with(const BatchView& batch, const ScanState& state, Checks checks) {
  if (!may_begin_at(batch.base_offset(), state)) {
    return "offset " + std::to_string(batch.base_offset()) + " where " + std::to_string(state.next_offset) + " must be";
  }
  if (batch.last_offset_delta() < 0 ||
      batch.base_offset() > std::numeric_limits<records::Offset>::max() - batch.last_offset_delta() - 1) {
    return "a batch with impossible offsets";
  }
  if (batch.leader_epoch() < std::max(0, state.epoch)) {
    return "leader epoch " + std::to_string(batch.leader_epoch()) + " after " + std::to_string(state.epoch);
  }
  if (checks == Checks::all && batch.crc() != base::crc32c(batch.checksummed())) return "wrong checksum";
  return {};
}

}  // namespace

// At least `bytes` (fewer at `end`) from `position`.
base::Result<base::ByteSpan> BatchScan::window(File& file, std::uint64_t end, std::uint64_t position,
                                               std::size_t bytes) {
  const std::uint64_t left = end - position;
  const std::size_t wanted = std::min<std::uint64_t>(bytes, left);
  if (position < buffer_position_ || position + wanted > buffer_position_ + buffered_) {
    // Batches as large as the buffer would be read twice, so it grows with them.
    const std::size_t size =
        std::min<std::uint64_t>(std::max(buffer_bytes_, wanted * (wanted < (8u << 20) ? 4 : 1)), left);
    if (buffer_.size() < size) buffer_.resize(size);
    const base::Result<std::size_t> got = file.read_at(position, base::MutableByteSpan(buffer_).first(size));
    if (!got) return got.error();
    if (progress_) progress_(*got);
    buffer_position_ = position;
    buffered_ = *got;
  }
  return base::ByteSpan(buffer_).first(buffered_).subspan(position - buffer_position_);
}

base::Result<ScanEnd> BatchScan::run(File& file, std::uint64_t end, Checks checks, ScanState& state,
                                     const Visitor& visitor) {
  buffered_ = 0;
  while (state.position < end) {
    base::Result<base::ByteSpan> bytes = window(file, end, state.position, records::header_size);
    if (!bytes) return bytes.error();
    const base::ByteSpan header = bytes->first(std::min(bytes->size(), records::header_size));
    if (all_zero(header)) return ScanEnd{ScanEnd::Reason::zeros, {}};
    const std::optional<std::size_t> size = BatchView::declared_size(header);
    if (!size || header.size() < records::header_size || *size > end - state.position) {
      return ScanEnd{ScanEnd::Reason::bad, "a batch that is cut short or has an impossible length"};
    }
    bytes = window(file, end, state.position, *size);
    if (!bytes) return bytes.error();
    const std::optional<BatchView> batch = BatchView::frame(*bytes);
    if (!batch) return ScanEnd{ScanEnd::Reason::bad, "bytes that are not a record batch"};
    if (std::string problem = problem_with(*batch, state, checks); !problem.empty()) {
      return ScanEnd{ScanEnd::Reason::bad, std::move(problem)};
    }
    if (visitor && !visitor(state, *batch)) return ScanEnd{ScanEnd::Reason::stopped, {}};
    state.position += batch->size();
    state.next_offset = batch->next_offset();
    state.epoch = batch->leader_epoch();
    state.largest_timestamp = std::max(state.largest_timestamp, batch->max_timestamp());
    state.frames_crc = add_frame(state.frames_crc, *batch);
  }
  return ScanEnd{ScanEnd::Reason::end, {}};
}

base::Result<std::uint64_t> end_of_data(File& file, std::uint64_t from, std::uint64_t end) {
  std::vector<std::byte> buffer(std::min<std::uint64_t>(BatchScan::buffer_bytes_default, end - from));
  std::uint64_t last = from;
  for (std::uint64_t at = from; at < end;) {
    const base::Result<std::size_t> got =
        file.read_at(at, base::MutableByteSpan(buffer).first(std::min<std::uint64_t>(buffer.size(), end - at)));
    if (!got) return got.error();
    if (*got == 0) break;
    const base::ByteSpan bytes = base::ByteSpan(buffer).first(*got);
    const auto data = std::find_if(bytes.rbegin(), bytes.rend(), [](std::byte b) { return b != std::byte{0}; });
    if (data != bytes.rend()) last = at + static_cast<std::uint64_t>(bytes.rend() - data);
    at += *got;
  }
  return last;
}

}  // namespace cms::storage
