// SPDX-License-Identifier: Apache-2.0
// Bytes that are shared and cannot change, and how to look at bytes one does not own.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/check.h"

namespace cms::base {

using ByteSpan = std::span<const std::byte>;
using MutableByteSpan = std::span<std::byte>;

inline ByteSpan as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteSpan bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// A slice of memory that stays valid and unchanged for as long as the slice is held: it shares ownership of what it
// lies in (an arena chunk, a buffer). Copying costs one atomic increment and no allocation. Any thread.
class Bytes {
 public:
  Bytes() = default;
  Bytes(std::shared_ptr<const void> owner, ByteSpan span) : owner_(std::move(owner)), span_(span) {}

  static Bytes copy_of(ByteSpan source) {
    auto memory = std::make_shared<std::byte[]>(source.size());
    if (!source.empty()) std::memcpy(memory.get(), source.data(), source.size());
    const ByteSpan span{memory.get(), source.size()};
    return {std::move(memory), span};
  }
  static Bytes copy_of(std::string_view text) { return copy_of(as_bytes(text)); }

  const std::byte* data() const { return span_.data(); }
  std::size_t size() const { return span_.size(); }
  bool empty() const { return span_.empty(); }
  ByteSpan span() const { return span_; }
  operator ByteSpan() const { return span_; }  // NOLINT(google-explicit-constructor): a view of ourselves
  const std::shared_ptr<const void>& owner() const { return owner_; }

  Bytes slice(std::size_t from, std::size_t size) const {
    CHECK(from <= span_.size() && size <= span_.size() - from);
    return {owner_, span_.subspan(from, size)};
  }

 private:
  std::shared_ptr<const void> owner_;
  ByteSpan span_;
};

}  // namespace cms::base
