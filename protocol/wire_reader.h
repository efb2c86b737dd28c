// SPDX-License-Identifier: Apache-2.0
// Primitive values off the wire, each checked against the bytes that are left.
//
// Failure is sticky: the first one is kept, everything read after it is zero, and left() is 0. So a caller may read on
// and ask once, as long as every loop that a count controls asks failed() each time round.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "base/endian.h"
#include "base/result.h"

namespace cms::protocol {

class WireReader {
 public:
  explicit WireReader(base::ByteSpan bytes) : start_(bytes.data()), at_(start_), end_(start_ + bytes.size()) {}

  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  bool failed() const { return failure_ != nullptr; }

  // `what` is a literal; it is kept by pointer.
  void fail(const char* what) {
    if (failed()) return;
    failure_ = what;
    failed_at_ = static_cast<std::size_t>(at_ - start_);
    at_ = end_;
  }

  // The failure in words, with the position; only after one.
  base::Error error() const;

  template <std::integral T>
  T integer() {
    if (left() < sizeof(T)) [[unlikely]] {
      fail("ends within a number");
      return 0;
    }
    const T value = base::load_big<T>(at_);
    at_ += sizeof(T);
    return value;
  }

  // An unsigned base-128 number of at most 32 or 64 bits, so 5 or 10 bytes.
  std::uint32_t varint32() {
    if (left() != 0 && static_cast<std::uint8_t>(*at_) < 0x80) [[likely]]
      return static_cast<std::uint8_t>(*at_++);
    return static_cast<std::uint32_t>(long_varint(32));
  }
  std::uint64_t varint64() { return long_varint(64); }

  base::ByteSpan bytes(std::size_t count) {
    if (count > left()) [[unlikely]] {
      fail("a length is beyond the end");
      return {};
    }
    const base::ByteSpan taken{at_, count};
    at_ += count;
    return taken;
  }

 private:
  std::uint64_t long_varint(unsigned bits);

  const std::byte* start_;
  const std::byte* at_;
  const std::byte* end_;
  const char* failure_ = nullptr;
  std::size_t failed_at_ = 0;
};

}  // namespace cms::protocol
