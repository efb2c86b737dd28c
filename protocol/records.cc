// SPDX-License-Identifier: Apache-2.0
#include "protocol/records.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace cms::protocol {

bool RecordsView::operator==(const RecordsView& other) const {
  return is_null() == other.is_null() && std::ranges::equal(bytes(), other.bytes());
}

void Records::append(base::Bytes slice) {
  null_ = false;
  if (slice.empty()) return;
  size_ += slice.size();
  if (count_ < inline_.size()) {
    inline_[count_] = std::move(slice);
  } else {
    if (count_ == inline_.size()) spilled_.assign(inline_.begin(), inline_.end());
    spilled_.push_back(std::move(slice));
  }
  ++count_;
}

void Records::make_empty() {
  reset();
  null_ = false;
}

void Records::reset() {
  null_ = true;
  size_ = 0;
  for (base::Bytes& slice : std::span(inline_).first(std::min(count_, inline_.size()))) slice = {};
  count_ = 0;
  spilled_.clear();
}

std::span<const base::Bytes> Records::slices() const {
  if (count_ > inline_.size()) return spilled_;
  return std::span(inline_).first(count_);
}

std::span<base::Bytes> Records::slices() {
  if (count_ > inline_.size()) return spilled_;
  return std::span(inline_).first(count_);
}

base::ByteSpan Records::bytes() const {
  CHECK(count_ <= 1);
  return inline_[0].span();
}

bool Records::operator==(const Records& other) const {
  if (null_ != other.null_ || size_ != other.size_) return false;
  std::vector<std::byte> joined[2];
  for (const auto& [into, from] : {std::pair{&joined[0], this}, std::pair{&joined[1], &other}}) {
    for (const base::Bytes& slice : from->slices())
      into->insert(into->end(), slice.data(), slice.data() + slice.size());
  }
  return joined[0] == joined[1];
}

}  // namespace cms::protocol
