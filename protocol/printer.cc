// SPDX-License-Identifier: Apache-2.0
#include "protocol/printer.h"

namespace cms::protocol {

void append_quoted(std::string& line, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  line += '"';
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (code < 0x20 || code == 0x7f) {
      line += "\\u00";
      line += digits[code >> 4];
      line += digits[code & 15];
    } else {
      line += c;
    }
  }
  line += '"';
}

}  // namespace cms::protocol
