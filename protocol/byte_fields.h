// SPDX-License-Identifier: Apache-2.0
// Members that hold bytes whose meaning the message does not know.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/bytes.h"

namespace cms::protocol {

// Of a request: bytes that somebody else keeps. A reader points it into the frame; a writer copies them.
class BytesView {
 public:
  BytesView() = default;
  BytesView(base::ByteSpan bytes) : bytes_(bytes) {}  // NOLINT(google-explicit-constructor): it is only a view

  base::ByteSpan bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

  bool operator==(const BytesView& other) const { return std::ranges::equal(bytes_, other.bytes_); }

 private:
  base::ByteSpan bytes_;
};

// Of a response or a stored record: bytes that share ownership of their memory, so that many may hold them. A reader
// makes a copy that nobody else holds; a writer copies them.
class SharedBytes {
 public:
  SharedBytes() = default;
  SharedBytes(base::Bytes bytes) : bytes_(std::move(bytes)) {}  // NOLINT(google-explicit-constructor): the same

  const base::Bytes& bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

  bool operator==(const SharedBytes& other) const { return std::ranges::equal(bytes_.span(), other.bytes_.span()); }

 private:
  base::Bytes bytes_;
};

}  // namespace cms::protocol
