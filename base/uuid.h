// SPDX-License-Identifier: Apache-2.0
// Kafka's 128-bit ids: random, never zero, printed as 22 characters of URL-safe base64 without padding.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"

namespace cms::base {

struct Uuid {
  std::array<std::byte, 16> bytes{};

  // Zero stands for "none" on the wire and is never generated; nor is one whose text begins with '-', which tools would
  // take for an option.
  static Uuid random(Random& random);
  static std::optional<Uuid> parse(std::string_view text);

  bool is_zero() const { return *this == Uuid{}; }
  std::string to_string() const;      // 22 characters of base64, as Kafka's tools show it
  std::string to_hyphenated() const;  // 36 characters of RFC 4122, as Java's UUID

  auto operator<=>(const Uuid&) const = default;
};

}  // namespace cms::base

template <>
struct std::hash<cms::base::Uuid> {
  std::size_t operator()(const cms::base::Uuid& id) const noexcept {
    std::size_t value;
    static_assert(sizeof value <= sizeof id.bytes);
    __builtin_memcpy(&value, id.bytes.data(), sizeof value);
    return value;
  }
};
