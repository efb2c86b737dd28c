// SPDX-License-Identifier: Apache-2.0
// Writes the metrics that clients push, for tests.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace cms::broker::test {

inline std::string otlp_varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

inline std::string otlp_message(std::uint32_t number, const std::string& body) {
  return otlp_varint(number << 3 | 2) + otlp_varint(body.size()) + body;
}

inline std::string otlp_number(std::uint32_t number, std::uint64_t value) {
  return otlp_varint(number << 3) + otlp_varint(value);
}

inline std::string otlp_fixed(std::uint32_t number, std::uint64_t value) {
  std::string bytes = otlp_varint(number << 3 | 1);
  for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

inline std::string otlp_double(std::uint32_t number, double value) {
  return otlp_fixed(number, std::bit_cast<std::uint64_t>(value));
}

inline std::string otlp_attribute(std::uint32_t number, const std::string& key, const std::string& value) {
  return otlp_message(number, otlp_message(1, key) + otlp_message(2, otlp_message(1, value)));
}

inline std::string otlp_gauge(const std::string& name, const std::string& point) {
  return otlp_message(1, name) + otlp_message(5, otlp_message(1, point));
}

// Temporality 1: since the last push; 2: since the beginning.
inline std::string otlp_sum(const std::string& name, const std::string& point, std::uint64_t temporality) {
  return otlp_message(1, name) + otlp_message(7, otlp_message(1, point) + otlp_number(2, temporality));
}

inline std::string otlp_push(const std::vector<std::string>& metrics) {
  std::string scope;
  for (const std::string& metric : metrics) scope += otlp_message(2, metric);
  return otlp_message(1, otlp_message(1, otlp_attribute(1, "client_rack", "r")) + otlp_message(2, scope));
}

}  // namespace cms::broker::test
