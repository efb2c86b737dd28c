// SPDX-License-Identifier: Apache-2.0
// The writing visitor behind write() and append_versioned(). Included where these are instantiated, only.
//
// An optional struct in a tag section has its own form: an unsigned varint, 0 for null and 1 for what follows. It is
// always written, since its default in Kafka (ClassicMemberMetadata of __consumer_offsets) is an empty one, not null.
#pragma once

#include <algorithm>
#include <bit>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/endian.h"
#include "base/uuid.h"
#include "protocol/byte_fields.h"
#include "protocol/codec.h"
#include "protocol/minimal_size.h"
#include "protocol/records.h"

namespace cms::protocol {

// Out: FrameBuffer, or what has its extend(), append(), splice(), position() and insert().
template <typename Out>
class Encoder {
 public:
  Encoder(Out& out, Version version, bool flexible) : out_(out), version_(version), flexible_(flexible) {}

  template <Structure T>
  void structure(const T& from) {
    for_each_field<T>([&](auto field) {
      if constexpr (!field.tagged) {
        if (field.rules.present(version_)) value(field.of(from), field.rules.nullable(version_));
      }
    });
    if (flexible_) tag_section(from);
  }

 private:
  static constexpr std::size_t varint_bytes_max = 5;

  template <Structure T>
  void tag_section([[maybe_unused]] const T& from) {
    std::uint32_t count = 0;
    if constexpr (has_tagged_fields<T>()) {
      for_each_field<T>([&](auto field) { count += is_written_tagged(field, from) ? 1 : 0; });
    }
    varint(count);
    if (count == 0) return;
    // Declared in any order (that of Kafka's definitions), written in the order of their tags.
    if constexpr (has_tagged_fields<T>()) {
      for (std::uint32_t tag = 0; count != 0; ++tag) {
        if (write_if_tagged(from, tag)) --count;
      }
    }
  }

  template <Structure T>
  bool write_if_tagged(const T& from, std::uint32_t tag) {
    bool found = false;
    for_each_field<T>([&](auto field) {
      if constexpr (field.tagged) {
        if (field.rules.tag != tag || !is_written_tagged(field, from)) return;
        tagged_field(tag, field.of(from), field.rules.nullable(version_));
        found = true;
      }
    });
    return found;
  }

  template <typename Field, Structure T>
  bool is_written_tagged(Field field, const T& from) const {
    if constexpr (!field.tagged) {
      return false;
    } else {
      if (!field.rules.present(version_)) return false;
      constexpr bool always = is_optional_structure<std::remove_cvref_t<decltype(field.of(from))>>;
      return always || !(field.of(from) == field.of(defaults<T>()));
    }
  }

  template <typename T>
  void tagged_field(std::uint32_t tag, const T& from, bool nullable) {
    varint(tag);
    const std::size_t start = out_.position();
    if constexpr (is_optional_structure<T>) {
      varint(from ? 1 : 0);
      if (from) structure(*from);
    } else {
      value(from, nullable);
    }
    const auto size = static_cast<std::uint32_t>(out_.position() - start);
    std::byte encoded[varint_bytes_max];
    const std::size_t length = encode_varint(size, encoded);
    std::copy_n(encoded, length, out_.insert(start, length));
  }

  template <typename T>
  void value(const T& from, bool nullable) {
    if constexpr (std::is_same_v<T, bool>) {
      integer<std::uint8_t>(from ? 1 : 0);
    } else if constexpr (std::is_same_v<T, double>) {
      integer(std::bit_cast<std::uint64_t>(from));
    } else if constexpr (std::is_enum_v<T>) {
      integer(static_cast<std::underlying_type_t<T>>(from));
    } else if constexpr (std::is_integral_v<T>) {
      integer(from);
    } else if constexpr (std::is_same_v<T, base::Uuid>) {
      out_.append(from.bytes);
    } else if constexpr (Structure<T>) {
      structure(from);
    } else {
      sized(from, nullable);
    }
  }

  template <typename T>
  void sized(const std::optional<T>& from, bool nullable) {
    if constexpr (Structure<T>) {
      const bool is_null = !from && nullable;
      integer<std::int8_t>(is_null ? -1 : 1);
      if (!is_null) structure(from ? *from : defaults<T>());
    } else if (from) {
      sized(*from, nullable);
    } else {
      length<T>(nullable ? -1 : 0);
    }
  }
  void sized(const std::string& from, bool) {
    const std::string_view text = std::string_view(from).substr(0, string_bytes_max);
    length<std::string>(static_cast<std::int64_t>(text.size()));
    out_.append(base::as_bytes(text));
  }
  void sized(const std::vector<std::byte>& from, bool) {
    length<std::vector<std::byte>>(static_cast<std::int64_t>(from.size()));
    out_.append(from);
  }
  void sized(const BytesView& from, bool) {
    length<BytesView>(static_cast<std::int64_t>(from.size()));
    out_.append(from.bytes());
  }
  void sized(const SharedBytes& from, bool) {
    length<SharedBytes>(static_cast<std::int64_t>(from.size()));
    out_.append(from.bytes());
  }
  void sized(const RecordsView& from, bool nullable) {
    length<RecordsView>(from.is_null() && nullable ? -1 : static_cast<std::int64_t>(from.size()));
    out_.splice(base::Bytes({}, from.bytes()));
  }
  void sized(const Records& from, bool nullable) {
    length<Records>(from.is_null() && nullable ? -1 : static_cast<std::int64_t>(from.size()));
    for (const base::Bytes& slice : from.slices()) out_.splice(slice);
  }
  template <typename T>
  void sized(const std::vector<T>& from, bool) {
    length<std::vector<T>>(static_cast<std::int64_t>(from.size()));
    for (const T& element : from) value(element, false);
  }

  // -1 says null.
  template <typename T>
  void length(std::int64_t size) {
    if (flexible_) {
      varint(static_cast<std::uint32_t>(size + 1));
    } else if constexpr (std::is_same_v<T, std::string>) {
      integer(static_cast<std::int16_t>(size));
    } else {
      integer(static_cast<std::int32_t>(size));
    }
  }

  template <std::integral T>
  void integer(T value) {
    base::store_big(out_.extend(sizeof(T)), value);
  }

  void varint(std::uint32_t value) {
    std::byte encoded[varint_bytes_max];
    const std::size_t length = encode_varint(value, encoded);
    std::copy_n(encoded, length, out_.extend(length));
  }

  static std::size_t encode_varint(std::uint32_t value, std::byte* to) {
    std::size_t length = 0;
    for (; value >= 0x80; value >>= 7) to[length++] = static_cast<std::byte>(value | 0x80);
    to[length++] = static_cast<std::byte>(value);
    return length;
  }

  Out& out_;
  const Version version_;
  const bool flexible_;
};

}  // namespace cms::protocol
