// SPDX-License-Identifier: Apache-2.0
#include "client/commands/escapes.h"

#include <charconv>
#include <cstdint>

namespace cms::client {

namespace {

// What the escape at the start of `text` (behind the backslash) stands for, and how long it is; 0 when it is none.
std::size_t read_escape(std::string_view text, char& value) {
  if (text.empty()) return 0;
  switch (text.front()) {
    case 'n':
      value = '\n';
      return 1;
    case 't':
      value = '\t';
      return 1;
    case 'r':
      value = '\r';
      return 1;
    case '0':
      value = '\0';
      return 1;
    case '\\':
      value = '\\';
      return 1;
    case 'x':
      break;
    default:
      return 0;
  }
  constexpr std::size_t size = 3;  // xHH
  if (text.size() < size) return 0;
  std::uint8_t byte = 0;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + size, byte, 16);
  if (error != std::errc{} || end != text.data() + size) return 0;
  value = static_cast<char>(byte);
  return size;
}

// The length of the UTF-8 sequence that begins with this byte (RFC 3629), 0 for none.
std::size_t sequence_size(std::uint8_t first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  if (first >= 0xf0 && first <= 0xf4) return 4;
  return 0;
}

// Overlong forms, surrogates and what lies above U+10FFFF show in the second byte.
bool is_second_byte(std::uint8_t first, std::uint8_t second) {
  switch (first) {
    case 0xe0:
      return second >= 0xa0 && second <= 0xbf;
    case 0xed:
      return second >= 0x80 && second <= 0x9f;
    case 0xf0:
      return second >= 0x90 && second <= 0xbf;
    case 0xf4:
      return second >= 0x80 && second <= 0x8f;
    default:
      return (second & 0xc0) == 0x80;
  }
}

}  // namespace

std::string unescape(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    char value = text.front();
    std::size_t size = 0;
    if (value == '\\') size = read_escape(text.substr(1), value);
    plain.push_back(value);
    text.remove_prefix(1 + size);
  }
  return plain;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto first = static_cast<std::uint8_t>(text.front());
    const std::size_t size = sequence_size(first);
    if (size == 0 || size > text.size()) return false;
    if (size > 1 && !is_second_byte(first, static_cast<std::uint8_t>(text[1]))) return false;
    for (std::size_t i = 2; i < size; ++i) {
      if ((static_cast<std::uint8_t>(text[i]) & 0xc0) != 0x80) return false;
    }
    text.remove_prefix(size);
  }
  return true;
}

std::string base64(base::ByteSpan bytes) {
  static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<std::uint32_t>(bytes[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k)
      text.push_back(i + k > bytes.size() ? '=' : alphabet[group >> (18 - 6 * k) & 63]);
  }
  return text;
}

}  // namespace cms::client
