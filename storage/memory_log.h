// SPDX-License-Identifier: Apache-2.0
// A log that no file ever holds: for volatile topics, and with a small bound for transient ones. What is appended is as
// durable as it gets, so durable_end() is next_offset(). Owns no memory before the first record.
#pragma once

#include <optional>
#include <vector>

#include "storage/arena.h"
#include "storage/log.h"
#include "storage/tail.h"

namespace cms::storage {

class MemoryLog final : public Log {
 public:
  struct Start {
    Offset offset = 0;  // of the first record to come: above every offset that was ever given out
    // A bound beside Retention::bytes, for logs that only bridge the time between two fetches; 0: none.
    std::uint64_t tail_bytes_max = 0;
  };

  // The bound of a transient topic's tail.
  static constexpr std::uint64_t transient_tail_bytes = 1u << 20;

  // The arena outlives the log.
  MemoryLog(Arena& arena, const LogOptions& options, Start start);

  base::Result<Offset> append(records::BatchView batch, LeaderEpoch epoch, base::TimestampMs now_ms) override;
  base::MutableByteSpan reserve(std::size_t bytes, base::TimestampMs now_ms) override;
  base::Result<LogRead> read(Offset from, Offset below, std::size_t bytes_max, std::vector<base::Bytes>& into) override;
  std::size_t bytes_between(Offset from, Offset below, std::size_t enough) const override;
  base::Result<std::optional<base::Bytes>> batch_at_time(base::TimestampMs time_ms, Offset from, Offset below,
                                                         const RunLocked& locked) override;
  base::Result<std::optional<base::Bytes>> batch_with_largest_timestamp(Offset from, Offset below,
                                                                        const RunLocked& locked) override;
  base::Result<void> raise_first_offset(Offset offset, const RunLocked& locked) override;
  base::Result<void> truncate_from(Offset first_dropped) override;
  std::uint64_t apply_retention(base::TimestampMs now_ms) override;

  Offset first_offset() const override { return first_; }
  Offset next_offset() const override { return next_; }
  Offset durable_end() const override { return next_; }
  Offset written_end() const override { return next_; }
  std::uint64_t size_bytes() const override { return tail_.size_bytes(); }
  std::uint64_t memory_bytes() const override { return sizeof(*this) + tail_.memory_bytes(); }

  ProducerStates& producers() override { return producers_; }
  LeaderEpochs& epochs() override { return epochs_; }
  void set_options(const LogOptions& options) override;

  bool wants_flush() const override { return false; }
  void start_flush(IoQueue& queue, bool sync, IoCompletion& done) override;
  base::Result<void> finish_flush(base::Result<std::size_t> flushed) override;
  std::uint64_t unflushed_bytes() const override { return 0; }
  base::Result<void> close() override { return {}; }
  std::vector<std::function<base::Result<void>()>> take_background_work() override;
  DirtyRange dirty_range(const CompactionBounds& bounds) override;
  std::unique_ptr<CompactionJob> start_compaction(const DirtyRange& range, std::size_t io_buffer_bytes,
                                                  RunLocked locked) override;

 private:
  class Compaction;

  base::Result<void> prepare(std::size_t bytes, base::TimestampMs now_ms);
  void close_when_due(std::size_t bytes, base::TimestampMs now_ms);
  void put_in_place(Offset base, Offset next, Tail& compacted);
  base::Result<void> make_room(std::size_t bytes);
  std::uint64_t bytes_max() const;
  std::uint64_t drop_front();

  Arena& arena_;
  const std::uint64_t owner_ = arena_.new_owner();  // of its chunks: what it drops it may overwrite as it is
  LogOptions options_;
  const std::uint64_t tail_bytes_max_;

  // first_ <= next_; the tail holds [its first offset, next_), which may begin below first_.
  Offset first_;
  Offset next_;
  Tail tail_;
  base::TimestampMs extent_since_ms_ = 0;  // when the last extent was begun
  Offset first_dirty_ = 0;                 // compacted up to here
  bool compacting_ = false;
  ProducerStates producers_;
  LeaderEpochs epochs_;
};

}  // namespace cms::storage
