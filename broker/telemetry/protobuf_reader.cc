// SPDX-License-Identifier: Apache-2.0
#include "broker/telemetry/protobuf_reader.h"

namespace cms::broker {

bool ProtobufReader::fail() {
  good_ = false;
  return false;
}

bool ProtobufReader::read_varint(std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (rest_.empty()) return false;
    const auto byte = std::to_integer<std::uint64_t>(rest_.front());
    rest_ = rest_.subspan(1);
    value |= (byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;  // longer than ten bytes
}

bool ProtobufReader::read_fixed(std::size_t bytes, std::uint64_t& value) {
  if (rest_.size() < bytes) return false;
  value = 0;
  for (std::size_t i = bytes; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(rest_[i]);
  rest_ = rest_.subspan(bytes);
  return true;
}

bool ProtobufReader::next(ProtobufField& field) {
  if (!good_ || rest_.empty()) return false;
  std::uint64_t tag = 0;
  if (!read_varint(tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff) return fail();
  field.number = static_cast<std::uint32_t>(tag >> 3);
  field.type = static_cast<WireType>(tag & 7);
  field.value = 0;
  field.bytes = {};
  std::uint64_t size = 0;
  switch (field.type) {
    case WireType::varint:
      return read_varint(field.value) || fail();
    case WireType::fixed64:
      return read_fixed(8, field.value) || fail();
    case WireType::fixed32:
      return read_fixed(4, field.value) || fail();
    case WireType::bytes:
      if (!read_varint(size) || size > rest_.size()) return fail();
      field.bytes = rest_.first(static_cast<std::size_t>(size));
      rest_ = rest_.subspan(static_cast<std::size_t>(size));
      return true;
  }
  return fail();  // groups, which are not used any more, and types that there are not
}

}  // namespace cms::broker
