// SPDX-License-Identifier: Apache-2.0
// The printing visitor behind to_text(). Included by messages/*.cc only.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/uuid.h"
#include "protocol/api.h"
#include "protocol/byte_fields.h"
#include "protocol/errors.h"
#include "protocol/fields.h"
#include "protocol/records.h"

namespace cms::protocol {

// `text` in quotes, with everything escaped that JSON wants escaped; bytes that are not ASCII pass as they are.
void append_quoted(std::string& line, std::string_view text);

class Printer {
 public:
  Printer(std::string& line, Version version) : line_(line), version_(version) {}

  template <Structure T>
  void structure(const T& from) {
    line_ += '{';
    bool first = true;
    for_each_field<T>([&](auto field) {
      if (!field.rules.present(version_)) return;
      if (!first) line_ += ',';
      first = false;
      append_quoted(line_, field.name());
      line_ += ':';
      value(field.of(from));
    });
    line_ += '}';
  }

 private:
  void value(bool from) { line_ += from ? "true" : "false"; }
  template <typename T>
  requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) void value(T from) { line_ += std::to_string(from); }
  void value(ErrorCode from) { append_quoted(line_, name_of(from)); }
  void value(ApiKey from) { append_quoted(line_, name_of(from)); }
  template <typename T>
  requires std::is_enum_v<T>
  void value(T from) { line_ += std::to_string(static_cast<std::underlying_type_t<T>>(from)); }
  void value(const base::Uuid& from) { append_quoted(line_, from.to_string()); }
  void value(const std::string& from) { append_quoted(line_, from); }
  void value(const std::vector<std::byte>& from) { size(false, from.size()); }
  void value(const BytesView& from) { size(false, from.size()); }
  void value(const SharedBytes& from) { size(false, from.size()); }
  void value(const RecordsView& from) { size(from.is_null(), from.size()); }
  void value(const Records& from) { size(from.is_null(), from.size()); }
  template <Structure T>
  void value(const T& from) {
    structure(from);
  }
  template <typename T>
  void value(const std::optional<T>& from) {
    if (from) {
      value(*from);
    } else {
      line_ += "null";
    }
  }
  template <typename T>
  void value(const std::vector<T>& from) {
    line_ += '[';
    for (std::size_t index = 0; index < from.size(); ++index) {
      if (index != 0) line_ += ',';
      value(from[index]);
    }
    line_ += ']';
  }

  void size(bool is_null, std::size_t bytes) { line_ += is_null ? "null" : '"' + std::to_string(bytes) + " bytes\""; }

  std::string& line_;
  const Version version_;
};

}  // namespace cms::protocol
