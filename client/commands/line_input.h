// SPDX-License-Identifier: Apache-2.0
// Lines, or everything, from a file or standard input.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cms::client {

// One owner, one thread. A signal without SA_RESTART ends a wait with an error of system_code() EINTR.
class LineInput {
 public:
  // "-" is standard input, which is not closed at the end.
  static base::Result<LineInput> open(const std::string& path);

  LineInput(LineInput&& other) noexcept;
  LineInput(const LineInput&) = delete;
  LineInput& operator=(const LineInput&) = delete;
  ~LineInput();

  // The next line without its newline, valid until the next call; nothing at the end. A last line need not end in one.
  base::Result<std::optional<std::string_view>> next_line();

  // All that is left.
  base::Result<std::string_view> rest();

  // More can be read without waiting: now is not the time to send a batch half full.
  bool ready() const;

  static constexpr std::size_t line_bytes_max = 256u << 20;

 private:
  explicit LineInput(int descriptor) : descriptor_(descriptor) {}

  base::Result<bool> read_more();

  int descriptor_;
  std::string buffer_;  // read and not yet handed out from begin_ on
  std::size_t begin_ = 0;
  std::size_t searched_ = 0;  // no newline between begin_ and here
  bool ended_ = false;
};

}  // namespace cms::client
