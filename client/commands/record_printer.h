// SPDX-License-Identifier: Apache-2.0
// Prints records to standard output until there have been enough.
#pragma once

#include <cstdint>
#include <string>

#include "client/commands/record_format.h"

namespace cms::client {

class RecordPrinter {
 public:
  // Without `json`, as `format` says. `count`: how many are enough.
  RecordPrinter(std::string topic, bool json, RecordFormat format, std::int64_t count)
      : topic_(std::move(topic)), json_(json), format_(std::move(format)), left_(count) {}

  // Whether to go on.
  bool print(std::int32_t partition, const records::RecordView& record);
  bool done() const { return left_ <= 0; }

  // False when standard output takes no more; failure() says why, as errno.
  bool flush();
  int failure() const { return failure_; }

 private:
  const std::string topic_;
  const bool json_;
  const RecordFormat format_;
  std::int64_t left_;
  std::string output_;  // held back while an answer is being printed
  int failure_ = 0;
};

}  // namespace cms::client
