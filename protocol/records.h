// SPDX-License-Identifier: Apache-2.0
// Members that hold record batches. The codec never copies them: read, they lie in the frame they came in; written, the
// frame buffer refers to them.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"

namespace cms::protocol {

// Of a request: null, or a view of bytes that somebody else keeps. A reader points it into the frame; a writer expects
// the bytes to stay until the frame is sent.
class RecordsView {
 public:
  RecordsView() = default;
  RecordsView(base::ByteSpan bytes) : bytes_(bytes) {}  // NOLINT(google-explicit-constructor): it is only a view

  bool is_null() const { return !bytes_.has_value(); }
  base::ByteSpan bytes() const { return bytes_.value_or(base::ByteSpan{}); }
  std::size_t size() const { return bytes().size(); }
  void reset() { bytes_.reset(); }

  bool operator==(const RecordsView& other) const;

 private:
  std::optional<base::ByteSpan> bytes_;
};

// Of a response: null, or slices that follow one another on the wire, each sharing the memory it lies in. Up to two
// slices (a fetch that crosses one chunk or segment boundary) cost no allocation. A reader leaves one slice without an
// owner, which is valid for as long as the frame.
class Records {
 public:
  Records() = default;
  explicit Records(base::Bytes slice) { append(std::move(slice)); }

  bool is_null() const { return null_; }
  std::size_t size() const { return size_; }  // bytes of all slices

  // Adding a slice, also an empty one, makes it not null.
  void append(base::Bytes slice);
  void make_empty();
  void reset();  // null again, the slices let go

  std::span<const base::Bytes> slices() const;
  std::span<base::Bytes> slices();  // to move them from here, before make_empty() or reset()

  // All bytes where they are one slice or none, as after reading.
  base::ByteSpan bytes() const;

  bool operator==(const Records& other) const;  // the same bytes, however they are cut

 private:
  bool null_ = true;
  std::size_t size_ = 0;
  std::size_t count_ = 0;
  std::array<base::Bytes, 2> inline_;
  std::vector<base::Bytes> spilled_;  // all of them, when they are more than inline_ holds
};

}  // namespace cms::protocol
