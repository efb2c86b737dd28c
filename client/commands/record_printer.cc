// SPDX-License-Identifier: Apache-2.0
#include "client/commands/record_printer.h"

#include <cerrno>
#include <cstdio>

namespace cms::client {

namespace {

constexpr std::size_t output_bytes_max = 64 << 10;

}  // namespace

bool RecordPrinter::print(std::int32_t partition, const records::RecordView& record) {
  if (json_) {
    output_ += json_line(topic_, partition, record) + "\n";
  } else {
    format_.append(output_, topic_, partition, record);
  }
  --left_;
  return (output_.size() < output_bytes_max || flush()) && left_ > 0;
}

bool RecordPrinter::flush() {
  if (std::fwrite(output_.data(), 1, output_.size(), stdout) < output_.size() || std::fflush(stdout) != 0) {
    failure_ = errno;
    return false;
  }
  output_.clear();
  return true;
}

}  // namespace cms::client
