// SPDX-License-Identifier: Apache-2.0
// Stands for a log whose files could not be opened, so that what is around it can be: it holds nothing, takes nothing,
// touches no file, and says why. Its offsets mean nothing.
#pragma once

#include <utility>

#include "storage/log.h"

namespace cms::storage {

class UnopenedLog final : public Log {
 public:
  explicit UnopenedLog(base::Error why) : why_(std::move(why)) {}

  base::Result<Offset> append(records::BatchView, LeaderEpoch, base::TimestampMs) override { return why_; }
  base::Result<LogRead> read(Offset, Offset, std::size_t, std::vector<base::Bytes>&) override { return why_; }
  std::size_t bytes_between(Offset, Offset, std::size_t) const override { return 0; }
  base::Result<std::optional<base::Bytes>> batch_at_time(base::TimestampMs, Offset, Offset, const RunLocked&) override {
    return why_;
  }
  base::Result<std::optional<base::Bytes>> batch_with_largest_timestamp(Offset, Offset, const RunLocked&) override {
    return why_;
  }
  base::Result<void> raise_first_offset(Offset, const RunLocked&) override { return why_; }
  base::Result<void> truncate_from(Offset) override { return why_; }
  std::uint64_t apply_retention(base::TimestampMs) override { return 0; }

  Offset first_offset() const override { return 0; }
  Offset next_offset() const override { return 0; }
  Offset durable_end() const override { return 0; }
  Offset written_end() const override { return 0; }
  std::uint64_t size_bytes() const override { return 0; }
  std::uint64_t memory_bytes() const override { return sizeof(*this); }

  ProducerStates& producers() override { return producers_; }
  LeaderEpochs& epochs() override { return epochs_; }
  void set_options(const LogOptions&) override {}

  bool wants_flush() const override { return false; }
  void start_flush(IoQueue&, bool, IoCompletion&) override { CHECK(false); }
  base::Result<void> finish_flush(base::Result<std::size_t>) override { return why_; }
  std::uint64_t unflushed_bytes() const override { return 0; }
  base::Result<void> close() override { return {}; }
  std::vector<std::function<base::Result<void>()>> take_background_work() override { return {}; }

 private:
  const base::Error why_;
  ProducerStates producers_;
  LeaderEpochs epochs_;
};

}  // namespace cms::storage
