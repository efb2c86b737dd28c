// SPDX-License-Identifier: Apache-2.0
// The fewest bytes that a value of a type can take in a version: what bounds an array's count before anything is read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/uuid.h"
#include "protocol/fields.h"
#include "protocol/records.h"

namespace cms::protocol {

template <typename T>
inline constexpr bool is_optional = false;
template <typename T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <typename T>
inline constexpr bool is_optional_structure = false;
template <Structure T>
inline constexpr bool is_optional_structure<std::optional<T>> = true;

template <typename T>
constexpr std::size_t minimal_size(Version version, bool flexible) {
  if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    return sizeof(T);
  } else if constexpr (std::is_same_v<T, base::Uuid>) {
    return sizeof(base::Uuid);
  } else if constexpr (Structure<T>) {
    std::size_t size = flexible ? 1 : 0;
    for_each_field<T>([&](auto field) {
      using Value = std::remove_cvref_t<decltype(field.of(std::declval<T&>()))>;
      if (!field.tagged && field.rules.present(version)) size += minimal_size<Value>(version, flexible);
    });
    return std::max<std::size_t>(size, 1);
  } else if constexpr (is_optional<T>) {
    if constexpr (Structure<typename T::value_type>) return 1;
    return minimal_size<typename T::value_type>(version, flexible);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return flexible ? 1 : sizeof(std::int16_t);
  } else {
    return flexible ? 1 : sizeof(std::int32_t);
  }
}

}  // namespace cms::protocol
