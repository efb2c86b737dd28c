// SPDX-License-Identifier: Apache-2.0
// The reading visitor behind read() and read_versioned(). Included where these are instantiated, only.
//
// Nesting is that of the declarations, so it is bounded without a counter. A count never sizes anything: it is compared
// with the bytes left first, and the vector grows as elements are parsed.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/uuid.h"
#include "protocol/byte_fields.h"
#include "protocol/codec.h"
#include "protocol/minimal_size.h"
#include "protocol/records.h"
#include "protocol/wire_reader.h"

namespace cms::protocol {

class Decoder {
 public:
  Decoder(base::ByteSpan body, Version version, bool flexible) : in_(body), version_(version), flexible_(flexible) {}

  WireReader& in() { return in_; }

  template <Structure T>
  void structure(T& into) {
    for_each_field<T>([&](auto field) {
      if constexpr (!field.tagged) {
        if (field.rules.present(version_)) {
          value(field.of(into), field.rules.nullable(version_));
        } else {
          field.of(into) = field.of(defaults<T>());
        }
      }
    });
    tag_section(into);
  }

 private:
  // Tags come in rising order, each once (KIP-482); one that this version does not know is skipped by its size.
  template <Structure T>
  void tag_section(T& into) {
    std::uint64_t seen = 0;
    if (flexible_) {
      std::int64_t previous = -1;
      for (std::uint32_t count = in_.varint32(); count != 0 && !in_.failed(); --count) {
        const std::int64_t tag = in_.varint32();
        const std::size_t size = in_.varint32();
        if (tag <= previous) in_.fail("tagged fields are not in rising order");
        previous = tag;
        if (size > in_.left()) in_.fail("a tagged field is longer than the bytes left");
        const std::size_t left_after = in_.left() - std::min(size, in_.left());
        if (!tagged_field(into, tag, left_after, seen)) in_.bytes(size);
      }
    }
    reset_unseen(into, seen);
  }

  template <Structure T>
  bool tagged_field([[maybe_unused]] T& into, [[maybe_unused]] std::int64_t tag,
                    [[maybe_unused]] std::size_t left_after, [[maybe_unused]] std::uint64_t& seen) {
    bool known = false;
    if constexpr (has_tagged_fields<T>()) {
      for_each_field<T>([&](auto field) {
        if constexpr (field.tagged) {
          if (field.rules.tag != tag || !field.rules.present(version_) || in_.failed()) return;
          known = true;
          seen |= std::uint64_t{1} << field.rules.tag;
          tagged_value(field.of(into), field.rules.nullable(version_));
          if (!in_.failed() && in_.left() != left_after) in_.fail("a tagged field is not as long as it says");
        }
      });
    }
    return known || in_.failed();
  }

  template <typename T>
  void tagged_value(T& into, bool nullable) {
    if constexpr (is_optional_structure<T>) {
      if (in_.varint32() == 0) {
        into.reset();
        return;
      }
      if (!into) into = typename T::value_type{};
      structure(*into);
    } else {
      value(into, nullable);
    }
  }

  template <Structure T>
  void reset_unseen([[maybe_unused]] T& into, [[maybe_unused]] std::uint64_t seen) {
    if constexpr (has_tagged_fields<T>()) {
      for_each_field<T>([&](auto field) {
        if constexpr (field.tagged) {
          if ((seen >> field.rules.tag & 1) == 0) field.of(into) = field.of(defaults<T>());
        }
      });
    }
  }

  template <typename T>
  void value(T& into, bool nullable) {
    if constexpr (std::is_same_v<T, bool>) {
      into = in_.integer<std::uint8_t>() != 0;
    } else if constexpr (std::is_same_v<T, double>) {
      into = std::bit_cast<double>(in_.integer<std::uint64_t>());
    } else if constexpr (std::is_enum_v<T>) {
      into = static_cast<T>(in_.integer<std::underlying_type_t<T>>());
    } else if constexpr (std::is_integral_v<T>) {
      into = in_.integer<T>();
    } else if constexpr (std::is_same_v<T, base::Uuid>) {
      const base::ByteSpan bytes = in_.bytes(into.bytes.size());
      if (!bytes.empty()) std::copy(bytes.begin(), bytes.end(), into.bytes.begin());
    } else if constexpr (Structure<T>) {
      structure(into);
    } else {
      sized(into, nullable);
    }
  }

  // Values that begin with a length or, for an optional struct, with whether they are there.
  template <typename T>
  void sized(std::optional<T>& into, bool nullable) {
    std::int64_t size = 0;
    if constexpr (Structure<T>) {
      size = in_.integer<std::int8_t>() < 0 ? -1 : 0;
    } else {
      size = length<T>();
    }
    if (size < 0) {
      if (!nullable) in_.fail("null where there must be a value");
      into.reset();
      return;
    }
    if (!into) into = T{};
    content(*into, static_cast<std::size_t>(size));
  }
  void sized(RecordsView& into, bool nullable) {
    into.reset();
    const std::optional<base::ByteSpan> bytes = records(nullable);
    if (bytes) into = RecordsView(*bytes);
  }
  void sized(Records& into, bool nullable) {
    into.reset();
    const std::optional<base::ByteSpan> bytes = records(nullable);
    if (bytes) into.append(base::Bytes({}, *bytes));
  }
  template <typename T>
  void sized(T& into, bool) {
    const std::int64_t size = length<T>();
    if (size < 0) in_.fail("null where there must be a value");
    content(into, static_cast<std::size_t>(std::max<std::int64_t>(size, 0)));
  }

  std::optional<base::ByteSpan> records(bool nullable) {
    const std::int64_t size = length<RecordsView>();
    if (size < 0 && !nullable) in_.fail("null where there must be records");
    if (size < 0) return std::nullopt;
    return in_.bytes(static_cast<std::size_t>(size));
  }

  void content(std::string& into, std::size_t size) {
    if (size > string_bytes_max) in_.fail("a string is longer than 32767 bytes");
    into.assign(base::as_text(in_.bytes(size)));
  }
  void content(std::vector<std::byte>& into, std::size_t size) {
    const base::ByteSpan bytes = in_.bytes(size);
    into.assign(bytes.begin(), bytes.end());
  }
  void content(BytesView& into, std::size_t size) { into = BytesView(in_.bytes(size)); }
  void content(SharedBytes& into, std::size_t size) {
    const base::ByteSpan bytes = in_.bytes(size);
    into = bytes.empty() ? SharedBytes() : SharedBytes(base::Bytes::copy_of(bytes));
  }
  template <Structure T>
  void content(T& into, std::size_t) {
    structure(into);
  }
  template <typename T>
  void content(std::vector<T>& into, std::size_t count) {
    if (count > in_.left() / minimal_size<T>(version_, flexible_)) {
      in_.fail("an array has more elements than the bytes left can hold");
    }
    if constexpr (!std::is_integral_v<T>) {
      if (count > elements_max - elements_) in_.fail("the message has too many elements");
    }
    if (in_.failed()) {
      into.clear();
      return;
    }
    if constexpr (!std::is_integral_v<T>) elements_ += count;
    if (into.size() > count) into.resize(count);
    for (std::size_t index = 0; index < count && !in_.failed(); ++index) {
      if (index == into.size()) into.emplace_back();
      value(into[index], false);
    }
  }

  // Of a string, of bytes or of an array: -1 for null, else what the bytes say.
  template <typename T>
  std::int64_t length() {
    if (flexible_) return static_cast<std::int64_t>(in_.varint32()) - 1;
    const std::int64_t size =
        std::is_same_v<T, std::string> ? in_.integer<std::int16_t>() : in_.integer<std::int32_t>();
    if (size < -1) in_.fail("a length is negative");
    return std::max<std::int64_t>(size, -1);
  }

  WireReader in_;
  const Version version_;
  const bool flexible_;
  std::size_t elements_ = 0;
};

}  // namespace cms::protocol
