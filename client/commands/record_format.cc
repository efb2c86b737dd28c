// SPDX-License-Identifier: Apache-2.0
#include "client/commands/record_format.h"

#include <nlohmann/json.hpp>

#include "client/commands/escapes.h"

namespace cms::client {

namespace {

using base::ByteSpan;
using nlohmann::ordered_json;

constexpr std::string_view directives = "okstphTKS";

std::string_view text_of(const std::optional<ByteSpan>& bytes) {
  return bytes ? base::as_text(*bytes) : std::string_view{};
}

std::string size_of(const std::optional<ByteSpan>& bytes) { return bytes ? std::to_string(bytes->size()) : "-1"; }

std::string headers_of(const records::RecordView& record) {
  std::string text;
  for (const records::HeaderView& header : record.headers) {
    if (!text.empty()) text += ',';
    text.append(header.key).append("=").append(text_of(header.value));
  }
  return text;
}

void put(ordered_json& to, const std::string& name, const std::optional<ByteSpan>& bytes) {
  if (!bytes) {
    to[name] = nullptr;
  } else if (is_utf8(base::as_text(*bytes))) {
    to[name] = base::as_text(*bytes);
  } else {
    to[name + "_base64"] = base64(*bytes);
  }
}

}  // namespace

base::Result<RecordFormat> RecordFormat::parse(std::string_view text) {
  RecordFormat format;
  const auto plain = [&](std::string_view part) {
    if (format.pieces_.empty() || format.pieces_.back().directive != 0) format.pieces_.emplace_back();
    format.pieces_.back().text += part;
  };
  while (!text.empty()) {
    const std::size_t percent = text.find('%');
    if (percent != 0) {
      plain(unescape(text.substr(0, percent)));
      text.remove_prefix(std::min(percent, text.size()));
      continue;
    }
    const char directive = text.size() > 1 ? text[1] : '\0';
    if (directive == '%') {
      plain("%");
    } else if (directive != '\0' && directives.find(directive) != std::string_view::npos) {
      format.pieces_.push_back({directive, {}});
    } else {
      return base::Error(base::ErrorKind::invalid,
                         "'" + std::string(text.substr(0, 2)) +
                             "' means nothing in a format; there are %o offset, %k key, %s "
                             "value, %t topic, %p partition, %h headers, %T timestamp, %K and "
                             "%S length of key and value, and %%");
    }
    text.remove_prefix(2);
  }
  return format;
}

void RecordFormat::append(std::string& to, std::string_view topic, std::int32_t partition,
                          const records::RecordView& record) const {
  for (const Piece& piece : pieces_) {
    switch (piece.directive) {
      case 0:
        to += piece.text;
        break;
      case 'o':
        to += std::to_string(record.offset);
        break;
      case 'k':
        to += text_of(record.key);
        break;
      case 's':
        to += text_of(record.value);
        break;
      case 't':
        to += topic;
        break;
      case 'p':
        to += std::to_string(partition);
        break;
      case 'h':
        to += headers_of(record);
        break;
      case 'T':
        to += std::to_string(record.timestamp);
        break;
      case 'K':
        to += size_of(record.key);
        break;
      case 'S':
        to += size_of(record.value);
        break;
      default:
        CHECK(false);
    }
  }
}

std::string json_line(std::string_view topic, std::int32_t partition, const records::RecordView& record) {
  ordered_json line{
      {"topic", topic}, {"partition", partition}, {"offset", record.offset}, {"timestamp", record.timestamp}};
  put(line, "key", record.key);
  put(line, "value", record.value);
  ordered_json headers = ordered_json::array();
  for (const records::HeaderView& header : record.headers) {
    ordered_json shown = ordered_json::object();
    put(shown, "key", base::as_bytes(header.key));
    put(shown, "value", header.value);
    headers.push_back(std::move(shown));
  }
  if (!headers.empty()) line["headers"] = std::move(headers);
  return line.dump();
}

}  // namespace cms::client
