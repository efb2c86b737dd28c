// SPDX-License-Identifier: Apache-2.0
// A log on disk: segments in Kafka's file format, their newest part in memory as well.
//
//   segments:  [ finished ][ finished ][ last ............ 0 0 0 zeros ahead ]
//   memory:                      [ extent ][ extent ][ extent ]
//                                          ^ written_end        ^ next_offset
//
// first_offset <= durable_end <= written_end <= next_offset. Appends go to memory only. A flush
// (storage/segment_flush.h) writes what lies behind written_end, and what it has written may leave memory; reads of
// that are cold. Nothing is on the disk, not even the directory, before the first flush. Files: storage/formats.h;
// opening: storage/recovery.h.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "storage/arena.h"
#include "storage/log.h"
#include "storage/open_files.h"
#include "storage/partition_files.h"
#include "storage/recovery.h"
#include "storage/segment.h"
#include "storage/segment_flush.h"
#include "storage/tail.h"

namespace cms::storage {

class SegmentedLog final : public Log {
 public:
  // What all logs of a process share; it outlives them and their background work.
  struct Environment {
    OpenFiles& files;
    Arena& arena;
    const base::Clock& clock;
  };

  struct OpenOptions {
    Offset start_offset = 0;                     // of a log that has no files yet
    std::uint64_t tail_bytes_max = 16ull << 20;  // of flushed records that stay in memory, in whole chunks
    std::function<void(const RecoveryProgress&)>
        progress;  // when opening takes longer than a second; about once a second
  };

  // Blocks; see storage/recovery.h for what it does after a crash and when it refuses.
  static base::Result<std::unique_ptr<SegmentedLog>> open(Environment environment, const std::string& directory,
                                                          const LogOptions& options, const OpenOptions& open_options);

  // Whatever was not closed is found by recovery. No flush is under way.
  ~SegmentedLog() override;

  base::Result<Offset> append(records::BatchView batch, LeaderEpoch epoch, base::TimestampMs now_ms) override;
  base::Result<LogRead> read(Offset from, Offset below, std::size_t bytes_max, std::vector<base::Bytes>& into) override;
  std::size_t bytes_between(Offset from, Offset below, std::size_t enough) const override;
  base::Result<std::optional<base::Bytes>> batch_at_time(base::TimestampMs time_ms, Offset from, Offset below,
                                                         const RunLocked& locked) override;
  base::Result<std::optional<base::Bytes>> batch_with_largest_timestamp(Offset from, Offset below,
                                                                        const RunLocked& locked) override;
  base::Result<void> raise_first_offset(Offset offset, const RunLocked& locked) override;
  base::Result<void> truncate_from(Offset first_dropped) override;
  std::uint64_t apply_retention(base::TimestampMs now_ms) override;

  Offset first_offset() const override { return std::max(first_, partition_->persisted_start()); }
  Offset next_offset() const override { return next_; }
  Offset durable_end() const override { return durable_end_; }
  Offset written_end() const override { return written_end_; }
  std::uint64_t size_bytes() const override;
  std::uint64_t memory_bytes() const override;

  ProducerStates& producers() override { return producers_; }
  LeaderEpochs& epochs() override { return epochs_; }
  void set_options(const LogOptions& options) override { options_ = options; }

  bool wants_flush() const override { return !sealed_ && !flushing_ && unflushed_bytes() > 0; }
  void start_flush(IoQueue& queue, bool sync, IoCompletion& done) override;
  base::Result<void> finish_flush(base::Result<std::size_t> flushed) override;
  std::uint64_t unflushed_bytes() const override { return appended_bytes_ - written_bytes_; }
  base::Result<void> close() override;
  std::vector<std::function<base::Result<void>()>> take_background_work() override;
  DirtyRange dirty_range(const CompactionBounds& bounds) override;
  std::unique_ptr<CompactionJob> start_compaction(const DirtyRange& range, std::size_t io_buffer_bytes,
                                                  RunLocked locked) override;

  // What the last open found: records scanned, bytes put aside (0 after a clean close).
  std::uint64_t recovered_bytes() const { return recovered_bytes_; }
  std::uint64_t put_aside_bytes() const { return put_aside_bytes_; }
  std::size_t segment_count() const { return segments_.size(); }

 private:
  class Compaction;

  // What lies in a segment's file and not in memory, to be read without the lock.
  struct ColdPart {
    std::shared_ptr<SegmentFile> names;  // tells whether the segment is still the same
    std::shared_ptr<File> file;
    Offset base = 0;
    std::uint64_t size = 0;  // of the segment
    std::uint64_t end = 0;   // of this part
    Offset gaps_below = 0;
  };
  // One step of a search for a time: found, or to be searched next, or neither and there is none.
  struct TimeStep {
    std::optional<base::Bytes> found;
    std::optional<ColdPart> search;
  };
  struct LargestStep {
    base::TimestampMs known = records::no_timestamp;
    std::vector<ColdPart> search;  // two at most
  };

  struct HeldRange {
    Offset begin, end;
  };

  // What a flush that is under way will have done.
  struct Planned {
    Offset segment = 0;  // the last one
    std::uint64_t position = 0;
    Offset next = 0;
    std::uint64_t bytes = 0;     // since the flush before
    std::uint64_t appended = 0;  // appended_bytes_ then
    std::size_t index_entries = 0;
    std::uint64_t indexed_position = 0;
    LeaderEpoch epoch = records::no_leader_epoch;
    bool sync = false;
    bool checkpoint = false;
  };

  SegmentedLog(Environment environment, const std::string& directory, const LogOptions& options,
               const OpenOptions& open_options);
  base::Result<void> recover_files();
  void take(RecoveredLog recovered);

  // Appending.
  bool must_roll(const records::BatchView& batch, base::TimestampMs now_ms) const;
  void roll();
  base::Result<void> make_room(std::size_t bytes);
  bool drop_written(std::uint64_t flushed_bytes_max);
  void note_index_point(Segment& segment);
  void schedule_snapshot();

  // Flushing and closing.
  void plan_flush(bool sync, bool closing);
  void plan_part(Segment& segment, bool sync, bool finish);
  void plan_index(Segment& segment, bool finish);
  void finish_segments();
  void plan_ahead();
  base::Result<void> flush_now(bool closing);
  std::vector<std::byte> encode_checkpoint(bool clean, bool has_producers) const;

  // Reading what memory does not hold.
  Segment& segment_of(Offset offset);
  std::uint64_t cold_end(const Segment& segment) const;  // where memory begins, or the end
  base::Result<void> know_points(Segment& segment);
  base::Result<void> fill_points(Segment& segment, std::uint64_t until);
  base::Result<std::shared_ptr<File>> reader(const Segment& segment);
  base::Result<ColdRange> cold_range(Offset from, std::size_t bytes_max);
  ColdPart cold_part(const Segment& segment) const;
  bool is_current(const ColdPart& part) const;
  base::Result<TimeStep> look_for_time(base::TimestampMs time_ms, Offset& from, Offset below,
                                       const std::optional<ColdPart>& searched);
  base::Result<std::optional<base::Bytes>> search_cold(const ColdPart& part, base::TimestampMs time_ms, Offset from,
                                                       Offset below);
  base::Result<LargestStep> look_for_largest(Offset from, Offset below);
  base::Result<base::TimestampMs> largest_in_cold(const ColdPart& part, Offset first, Offset below);

  // Retention.
  void drop_segments_below_start();
  void schedule_removal(std::size_t count);
  void schedule_removal_below_start();
  void roll_when_due(base::TimestampMs now_ms);
  std::size_t count_expired(base::TimestampMs now_ms);
  void let_go_when_idle();
  base::Result<void> truncate_files(Offset first_dropped);

  // Compaction: called by its job, with the lock held.
  bool is_held(const Segment& segment) const {
    return compacting_ && segment.base >= compacting_->begin && segment.base < compacting_->end;
  }
  records::TimestampMs first_timestamp_of(Segment& segment);
  std::vector<Segment> put_in_place(Segment compacted);
  std::shared_ptr<File> name_settled(Offset base);
  void end_compaction(bool stuck);

  const Environment environment_;
  LogOptions options_;
  const std::uint64_t tail_bytes_max_;
  const std::shared_ptr<PartitionFiles> partition_;
  const Offset start_offset_;
  std::function<void(const RecoveryProgress&)> progress_;

  Offset first_ = 0;          // beside what retention has made durable meanwhile: first_offset()
  Offset raising_start_ = 0;  // as planned_start_, by raise_first_offset(), anywhere in a segment
  Offset planned_start_ = 0;  // above first_offset() while background work makes it durable
  Offset next_ = 0;
  Offset written_end_ = 0;
  Offset durable_end_ = 0;
  std::uint64_t appended_bytes_ = 0;  // since the open
  std::uint64_t written_bytes_ = 0;
  std::uint64_t snapshot_bytes_ = 0;  // appended_bytes_ at the last snapshot
  std::uint64_t idle_mark_ = 0;       // appended_bytes_ at the last retention run
  std::vector<Segment> segments_;     // by base; contiguous
  Tail tail_;
  ProducerStates producers_;
  LeaderEpochs epochs_;
  std::vector<Offset> snapshots_;  // ascending
  std::vector<std::function<base::Result<void>()>> background_;

  std::unique_ptr<SegmentFlush> flush_;  // made when needed, let go when idle
  Planned planned_;
  bool flushing_ = false;
  bool changed_ = false;  // since the open
  bool directory_exists_ = false;
  bool clean_ = false;  // what is on the disk says that the log was closed
  LeaderEpoch saved_epoch_ = records::no_leader_epoch;
  std::uint64_t checkpoint_sequence_ = 0;
  std::optional<base::Error> sealed_;
  std::optional<HeldRange> compacting_;  // these segments stay
  bool compaction_stuck_ = false;        // files of a failed one could not be removed or renamed: none until a restart
  Offset first_dirty_ = 0;               // compacted up to here
  Offset gaps_below_ = 0;                // as ScanState's
  std::uint64_t recovered_bytes_ = 0;
  std::uint64_t put_aside_bytes_ = 0;
};

}  // namespace cms::storage
