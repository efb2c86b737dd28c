// SPDX-License-Identifier: Apache-2.0
// The fields of one protocol buffers message, as they lie on the wire: no schema, no copies, no recursion.
//
//   field    tag varint (number << 3 | type), then by type
//            0 varint    1 eight bytes, little-endian    2 length varint and bytes    5 four bytes, little-endian
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace cms::broker {

enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

struct ProtobufField {
  std::uint32_t number = 0;
  WireType type = WireType::varint;
  std::uint64_t value = 0;  // of numbers
  base::ByteSpan bytes;     // of everything else: text, or a message

  bool is(std::uint32_t wanted, WireType as) const { return number == wanted && type == as; }
  double as_double() const { return std::bit_cast<double>(value); }
  std::int64_t as_signed() const { return static_cast<std::int64_t>(value); }
  std::string_view as_text() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
};

// The message is borrowed.
class ProtobufReader {
 public:
  explicit ProtobufReader(base::ByteSpan message) : rest_(message) {}

  // False at the message's end, and where what follows is no field; is_good() tells which.
  bool next(ProtobufField& field);
  bool is_good() const { return good_; }

 private:
  bool fail();
  bool read_varint(std::uint64_t& value);
  bool read_fixed(std::size_t bytes, std::uint64_t& value);

  base::ByteSpan rest_;
  bool good_ = true;
};

}  // namespace cms::broker
