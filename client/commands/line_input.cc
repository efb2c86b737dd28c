// SPDX-License-Identifier: Apache-2.0
#include "client/commands/line_input.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace cms::client {

namespace {

using base::Error;
using base::ErrorKind;
using base::Result;

constexpr std::size_t block_bytes = 64 << 10;

}  // namespace

Result<LineInput> LineInput::open(const std::string& path) {
  if (path == "-") return LineInput(STDIN_FILENO);
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return Error::from_errno(errno, "opening " + path);
  return LineInput(descriptor);
}

LineInput::LineInput(LineInput&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      buffer_(std::move(other.buffer_)),
      begin_(other.begin_),
      searched_(other.searched_),
      ended_(other.ended_) {}

LineInput::~LineInput() {
  if (descriptor_ > STDIN_FILENO) ::close(descriptor_);
}

Result<std::optional<std::string_view>> LineInput::next_line() {
  for (;;) {
    const std::size_t newline = buffer_.find('\n', searched_);
    if (newline != std::string::npos) {
      const std::string_view line = std::string_view(buffer_).substr(begin_, newline - begin_);
      begin_ = searched_ = newline + 1;
      return std::optional(line);
    }
    searched_ = buffer_.size();
    if (ended_) {
      const std::string_view line = std::string_view(buffer_).substr(begin_);
      begin_ = searched_;
      return line.empty() ? std::nullopt : std::optional(line);
    }
    if (const Result<bool> more = read_more(); !more) return more.error();
  }
}

Result<std::string_view> LineInput::rest() {
  while (!ended_) {
    if (const Result<bool> more = read_more(); !more) return more.error();
  }
  return std::string_view(buffer_).substr(begin_);
}

Result<bool> LineInput::read_more() {
  buffer_.erase(0, begin_);
  searched_ -= begin_;
  begin_ = 0;
  const std::size_t size = buffer_.size();
  if (size > line_bytes_max) return Error(ErrorKind::full, "a record may have no more than 256 MiB");
  buffer_.resize(size + block_bytes);
  const ssize_t count = ::read(descriptor_, buffer_.data() + size, block_bytes);
  buffer_.resize(size + static_cast<std::size_t>(count > 0 ? count : 0));
  if (count < 0) return Error::from_errno(errno, "reading the input");
  ended_ = count == 0;
  return !ended_;
}

bool LineInput::ready() const {
  if (begin_ < buffer_.size()) return true;
  if (ended_) return false;
  pollfd input{descriptor_, POLLIN, 0};
  return ::poll(&input, 1, 0) > 0;
}

}  // namespace cms::client
