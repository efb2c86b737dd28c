// SPDX-License-Identifier: Apache-2.0
// Small state files of ours: a magic number, integers in network byte order, and a CRC-32C of all of it at the end.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/result.h"

namespace cms::storage {

class CheckedWriter {
 public:
  explicit CheckedWriter(std::uint32_t magic) { add(magic); }

  template <std::integral T>
  void add(T value) {
    bytes_.resize(bytes_.size() + sizeof(T));
    base::store_big(bytes_.data() + bytes_.size() - sizeof(T), value);
  }

  std::vector<std::byte> finish() && {
    add(base::crc32c(bytes_));
    return std::move(bytes_);
  }

 private:
  std::vector<std::byte> bytes_;
};

// Reads past the end give zeros and make ok() false: read all of a group, then ask once.
class CheckedReader {
 public:
  // Nothing is believed before magic and checksum have matched.
  CheckedReader(base::ByteSpan bytes, std::uint32_t magic) : left_(bytes) {
    if (bytes.size() < 2 * sizeof(std::uint32_t)) return;
    left_ = bytes.first(bytes.size() - sizeof(std::uint32_t));
    const auto sum = base::load_big<std::uint32_t>(left_.data() + left_.size());
    ok_ = base::crc32c(left_) == sum;
    ok_ = take<std::uint32_t>() == magic && ok_;
  }

  template <std::integral T>
  T take() {
    if (left_.size() < sizeof(T)) {
      ok_ = false;
      return T{};
    }
    const T value = base::load_big<T>(left_.data());
    left_ = left_.subspan(sizeof(T));
    return value;
  }

  bool ok() const { return ok_; }
  std::size_t left() const { return left_.size(); }

  static base::Error corrupt(std::string_view what) {
    return base::Error(base::ErrorKind::corrupt, std::string(what) + ": not what was saved");
  }

 private:
  base::ByteSpan left_;
  bool ok_ = false;
};

}  // namespace cms::storage
