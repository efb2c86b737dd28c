// SPDX-License-Identifier: Apache-2.0
#include "protocol/frame.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/endian.h"

namespace cms::protocol {

void FrameBuffer::begin_frame() {
  CHECK(!open_);
  open_ = true;
  frame_start_ = used_;
  frame_spliced_ = spliced_;
  frame_splices_ = splices_.size();
  extend(sizeof(std::int32_t));
}

void FrameBuffer::end_frame() {
  CHECK(open_);
  open_ = false;
  const std::size_t size = used_ - frame_start_ - sizeof(std::int32_t) + spliced_ - frame_spliced_;
  CHECK(size <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()));
  base::store_big(memory_.data() + frame_start_, static_cast<std::int32_t>(size));
}

void FrameBuffer::abandon_frame() {
  CHECK(open_);
  open_ = false;
  used_ = frame_start_;
  spliced_ = frame_spliced_;
  splices_.erase(splices_.begin() + static_cast<std::ptrdiff_t>(frame_splices_), splices_.end());
}

void FrameBuffer::append(base::ByteSpan bytes) {
  if (!bytes.empty()) std::memcpy(extend(bytes.size()), bytes.data(), bytes.size());
}

void FrameBuffer::splice(base::Bytes bytes) {
  if (bytes.empty()) return;
  spliced_ += bytes.size();
  splices_.push_back({used_, std::move(bytes)});
}

void FrameBuffer::take(FrameBuffer& other) {
  CHECK(!open_ && !other.open_);
  const std::size_t base = used_;
  append({other.memory_.data(), other.used_});
  for (Splice& moved : other.splices_) splices_.push_back({base + moved.position, std::move(moved.bytes)});
  spliced_ += other.spliced_;
  other.clear();
}

std::byte* FrameBuffer::insert(std::size_t position, std::size_t count) {
  CHECK(position <= used_ && (splices_.empty() || splices_.back().position <= position));
  const std::size_t behind = used_ - position;
  extend(count);
  std::byte* const at = memory_.data() + position;
  std::memmove(at + count, at, behind);
  return at;
}

std::span<const base::ByteSpan> FrameBuffer::gather() {
  parts_.clear();
  std::size_t from = 0;
  const auto copied_up_to = [&](std::size_t end) {
    if (end > from) parts_.emplace_back(memory_.data() + from, end - from);
    from = end;
  };
  for (const Splice& splice : splices_) {
    copied_up_to(splice.position);
    parts_.push_back(splice.bytes.span());
  }
  copied_up_to(used_);
  return parts_;
}

void FrameBuffer::clear(std::size_t keep_bytes) {
  CHECK(!open_);
  used_ = 0;
  spliced_ = 0;
  splices_.clear();
  parts_.clear();
  if (memory_.size() > keep_bytes) memory_ = {};
}

void FrameBuffer::grow(std::size_t count) {
  memory_.resize(std::max({std::size_t{256}, 2 * memory_.size(), used_ + count}));
}

}  // namespace cms::protocol
