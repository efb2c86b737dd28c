// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>

#include "broker/config/settings.h"

namespace cms::broker {

namespace {

using base::Error;
using base::ErrorKind;
using base::Result;

constexpr std::string_view blanks = " \t\f";

// One logical line: continuation lines joined, where it began.
struct LogicalLine {
  std::string text;
  std::size_t number = 0;
};

bool continues(std::string_view line) {
  const std::size_t last = line.find_last_not_of('\\');
  const std::size_t backslashes = line.size() - (last == std::string_view::npos ? 0 : last + 1);
  return backslashes % 2 == 1;
}

std::string_view without_leading_blanks(std::string_view line) {
  const std::size_t first = line.find_first_not_of(blanks);
  return first == std::string_view::npos ? std::string_view() : line.substr(first);
}

std::vector<LogicalLine> logical_lines(std::string_view text) {
  std::vector<LogicalLine> lines;
  bool continuing = false;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find_first_of("\r\n");
    std::string_view line = without_leading_blanks(text.substr(0, end));
    const bool two = end != std::string_view::npos && text.substr(end, 2) == "\r\n";
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + (two ? 2 : 1));
    if (!continuing && (line.empty() || line.front() == '#' || line.front() == '!')) continue;
    if (!continuing) lines.push_back({{}, number});
    continuing = continues(line);
    if (continuing) line.remove_suffix(1);
    lines.back().text += line;
  }
  return lines;
}

void append_utf8(std::string& text, std::uint32_t unit) {
  if (unit < 0x80) {
    text += static_cast<char>(unit);
  } else if (unit < 0x800) {
    text += static_cast<char>(0xc0 | (unit >> 6));
    text += static_cast<char>(0x80 | (unit & 63));
  } else {
    text += static_cast<char>(0xe0 | (unit >> 12));
    text += static_cast<char>(0x80 | ((unit >> 6) & 63));
    text += static_cast<char>(0x80 | (unit & 63));
  }
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      result += text[i];
      continue;
    }
    const char c = text[++i];
    if (c == 'u') {
      std::uint32_t unit = 0;
      const std::string_view digits = text.substr(i + 1, 4);
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
      if (digits.size() != 4 || error != std::errc{} || end != digits.data() + 4) return std::nullopt;
      append_utf8(result, unit);
      i += 4;
    } else {
      const std::size_t known = std::string_view("tnrf").find(c);
      result += known == std::string_view::npos ? c : "\t\n\r\f"[known];
    }
  }
  return result;
}

// The size of the key at the beginning of `line`.
std::size_t key_size(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '=' || line[i] == ':' || blanks.find(line[i]) != std::string_view::npos) {
      return i;
    }
  }
  return line.size();
}

}  // namespace

Result<FileSettings> read_properties(std::string_view text, std::string_view file) {
  if (text.size() > configuration_bytes_max) {
    return Error(ErrorKind::full, std::string(file) + ": larger than 1 MiB, which no configuration needs to be");
  }
  FileSettings result;
  for (const LogicalLine& line : logical_lines(text)) {
    const std::string where = std::string(file) + ":" + std::to_string(line.number) + ":1";
    const std::size_t size = key_size(line.text);
    std::string_view rest = without_leading_blanks(std::string_view(line.text).substr(size));
    if (!rest.empty() && (rest.front() == '=' || rest.front() == ':')) rest = without_leading_blanks(rest.substr(1));
    auto key = unescaped(std::string_view(line.text).substr(0, size));
    auto value = unescaped(rest);
    if (!key || !value) return Error(ErrorKind::invalid, where + ": malformed \\uXXXX escape");
    result.settings.push_back({std::move(*key), std::move(*value), where, false});
  }
  // The last of several lines with the same key counts.
  return result;
}

bool looks_like_properties(std::string_view text, std::string_view file) {
  if (file.ends_with(".properties")) return true;
  if (file.ends_with(".toml")) return false;
  for (const LogicalLine& line : logical_lines(text)) {
    if (line.text.front() == '[') return false;
    const std::size_t equals = line.text.find('=');
    if (equals == std::string::npos) return true;
    const std::string_view value = trimmed(std::string_view(line.text).substr(equals + 1));
    if (value.empty()) return true;
    const bool number =
        std::ranges::all_of(value, [](char c) { return (c >= '0' && c <= '9') || c == '-' || c == '_'; });
    if (number || value == "true" || value == "false") continue;  // the same in both
    return std::string_view("\"'[{").find(value.front()) == std::string_view::npos;
  }
  return false;
}

}  // namespace cms::broker
