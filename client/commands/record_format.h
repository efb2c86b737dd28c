// SPDX-License-Identifier: Apache-2.0
// How `cms consume` shows a record.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "records/record.h"

namespace cms::client {

// A format as kcat's: %o offset, %k key, %s value, %t topic, %p partition, %h headers, %T timestamp in ms, %K and %S
// length of key and value (-1: null), %%; and the escapes of unescape(). Any thread once parsed.
class RecordFormat {
 public:
  static base::Result<RecordFormat> parse(std::string_view text);

  void append(std::string& to, std::string_view topic, std::int32_t partition, const records::RecordView& record) const;

 private:
  struct Piece {
    char directive = 0;  // 0: text
    std::string text;
  };

  std::vector<Piece> pieces_;
};

// One line of JSON. Bytes that are no UTF-8 are shown as key_base64, value_base64.
std::string json_line(std::string_view topic, std::int32_t partition, const records::RecordView& record);

}  // namespace cms::client
