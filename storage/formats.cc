// SPDX-License-Identifier: Apache-2.0
#include "storage/formats.h"

#include <charconv>

namespace cms::storage::formats {

std::string offset_name(records::Offset offset, std::string_view suffix) {
  const std::string digits = std::to_string(offset);
  std::string name(name_digits - digits.size(), '0');
  name += digits;
  name += suffix;
  return name;
}

std::optional<records::Offset> offset_of_name(std::string_view name, std::string_view suffix) {
  if (name.size() != name_digits + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  records::Offset offset = 0;
  const char* const end = name.data() + name_digits;
  const auto [stopped, error] = std::from_chars(name.data(), end, offset);
  if (error != std::errc{} || stopped != end || offset < 0) return std::nullopt;
  return offset;
}

}  // namespace cms::storage::formats
