// SPDX-License-Identifier: Apache-2.0
// Bytes in tests: from hex and back, and what a frame buffer puts on the wire.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "protocol/codec.h"
#include "protocol/frame.h"

namespace cms::protocol::testing {

// Two hex digits per byte; spaces and line ends are for the reader, and lines that begin with '#' are comments.
inline std::vector<std::byte> from_hex(std::string_view text) {
  std::string digits;
  bool comment = false;
  for (const char c : text) {
    if (c == '#') comment = true;
    if (c == '\n') comment = false;
    if (!comment && std::string_view(" \t\r\n").find(c) == std::string_view::npos) digits += c;
  }
  CHECK(digits.size() % 2 == 0);
  std::vector<std::byte> bytes;
  for (std::size_t at = 0; at < digits.size(); at += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(digits.substr(at, 2), nullptr, 16)));
  }
  return bytes;
}

inline std::string to_hex(base::ByteSpan bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    text += digits[static_cast<unsigned>(byte) >> 4];
    text += digits[static_cast<unsigned>(byte) & 15];
  }
  return text;
}

inline std::vector<std::byte> on_the_wire(FrameBuffer& frames) {
  std::vector<std::byte> bytes;
  for (const base::ByteSpan part : frames.gather()) bytes.insert(bytes.end(), part.begin(), part.end());
  CHECK(bytes.size() == frames.size());
  return bytes;
}

template <Message T>
std::vector<std::byte> written(const T& message, Version version) {
  FrameBuffer out;
  write(message, version, out);
  return on_the_wire(out);
}

}  // namespace cms::protocol::testing
