// SPDX-License-Identifier: Apache-2.0
// One partition's record batches in offset order.
//
// The caller holds the partition's lock for every call unless a call says otherwise, and no call waits for a disk
// unless it says "blocks". append() gives the batch its offsets and makes it readable at once; durable_end() follows
// after the flush that covers it (SegmentedLog), or at once (MemoryLog). After a flush has failed the log accepts no
// more: what reached the disk is unknown until recovery.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "records/batch.h"
#include "storage/compaction.h"
#include "storage/io_queue.h"
#include "storage/leader_epochs.h"
#include "storage/producers.h"

namespace cms::storage {

using records::LeaderEpoch;
using records::Offset;

inline constexpr std::size_t cold_slack_bytes = 64u << 10;

// Where batches lie that memory does not hold any more. The file stays open for as long as this is held, also when
// retention has removed its name. Read outside the lock, through an IoQueue: [position, position + bytes) begins at a
// batch boundary at or before the batch that holds the offset asked for (by at most cold_slack_bytes and one batch),
// has that batch whole whatever its size, and may end inside a later one. It does not know of `below`: the reader stops
// there.
struct ColdRange {
  std::shared_ptr<File> file;
  std::uint64_t position = 0;
  std::size_t bytes = 0;
};

struct LogRead {
  std::size_t bytes = 0;          // appended to `into`
  std::optional<ColdRange> cold;  // instead: nothing was appended
};

struct Retention {
  std::int64_t bytes =
      -1;  // -1 no limit. Memory: keep at most this many. Segments go while that much stays, as Kafka's
  std::int64_t time_ms = -1;  // keep what is younger (by largest timestamp); -1 no limit
};

// What of a topic's configuration a log obeys. Changing it takes effect with the next append or retention run.
struct LogOptions {
  std::uint64_t segment_bytes = 1ull << 30;
  std::int64_t segment_ms = 7ll * 24 * 3600 * 1000;
  std::uint32_t index_interval_bytes = 4096;
  bool preallocate = false;
  Retention retention;
  std::int64_t producer_expiration_ms = 24ll * 3600 * 1000;
  bool compact = false;  // a log in memory then keeps its parts within segment_bytes and segment_ms
};

// As RunLocked, for a log that no other thread uses.
inline void run_alone(const std::function<void()>& work) { work(); }

class Log {
 public:
  virtual ~Log() = default;

  // Copies the batch (validated by the caller, whole, with records) behind the last one, with base offset next_offset()
  // and this epoch, which never falls. Updates producers() and epochs(). Error: full (memory bound reached and nothing
  // can be evicted) or what sealed the log.
  virtual base::Result<Offset> append(records::BatchView batch, LeaderEpoch epoch, base::TimestampMs now_ms) = 0;

  // Room behind the last batch, for who fills and checks a batch where it will lie: append() of a batch that lies there
  // copies nothing. As long as the lock is held; nobody reads it, and what is not appended is overwritten by what is.
  // Empty: there is none, append() copies. Only logs that no file holds have any: a block of a file is written as it
  // is, with what lies behind the last batch, and a recovery must not find there what was refused.
  virtual base::MutableByteSpan reserve(std::size_t /*bytes*/, base::TimestampMs /*now_ms*/) { return {}; }

  // Whole batches from the one that holds `from`, all below `below`: one at least, whatever its size, then as many as
  // bytes_max allows. Appends slices that share the log's memory, one per contiguous run. `from` in
  // [first_offset(), next_offset()]; at or above `below` there are none. The first read that reaches a segment older
  // than this process opens its files (a few reads of its index, once).
  virtual base::Result<LogRead> read(Offset from, Offset below, std::size_t bytes_max,
                                     std::vector<base::Bytes>& into) = 0;

  // Bytes of the batches in [from, below), at most `enough`; an estimate from above is allowed. For min_bytes of a
  // fetch.
  virtual std::size_t bytes_between(Offset from, Offset below, std::size_t enough) const = 0;

  // --- Called without the partition's lock, which they take for moments: they block on the disk, appends go on. The
  // log is not closed, truncated or destroyed before they return.

  // The first batch whose largest timestamp is at or after `time_ms`, of those that end behind `from` and are below
  // `below`; none is nullopt. Blocks where the batch is not in memory.
  virtual base::Result<std::optional<base::Bytes>> batch_at_time(base::TimestampMs time_ms, Offset from, Offset below,
                                                                 const RunLocked& locked) = 0;

  // The first batch with the largest timestamp of those. Blocks as batch_at_time().
  virtual base::Result<std::optional<base::Bytes>> batch_with_largest_timestamp(Offset from, Offset below,
                                                                                const RunLocked& locked) = 0;

  // Nothing below `offset` is readable any more (DeleteRecords), also after a crash; never lowers. At most
  // next_offset(). Blocks for the write of a small file. After an error the start may rise with the next open.
  virtual base::Result<void> raise_first_offset(Offset offset, const RunLocked& locked) = 0;

  // --- With the lock again.

  // Drops `first_dropped` and all behind it (replication, later views). Not below durable data unless told to by the
  // view. Whole batches: next_offset() may end up lower. Blocks; not while a flush is under way.
  virtual base::Result<void> truncate_from(Offset first_dropped) = 0;

  // Drops whole segments or chunks that retention no longer covers, closes what is due by age, expires producers, lets
  // go of memory and files unused since the last call. To be called now and then, more often while the arena is under
  // pressure. Returns the bytes freed. Segments go by take_background_work(): first_offset() rises once it has run.
  virtual std::uint64_t apply_retention(base::TimestampMs now_ms) = 0;

  virtual Offset first_offset() const = 0;  // log start offset
  virtual Offset next_offset() const = 0;   // log end offset
  virtual Offset durable_end() const = 0;   // all below is as durable as this log can make it
  virtual Offset written_end() const = 0;   // all below outlives this process; durable_end() and what waits for a sync
  virtual std::uint64_t size_bytes() const = 0;
  virtual std::uint64_t memory_bytes() const = 0;  // resident memory of ours

  virtual ProducerStates& producers() = 0;
  virtual LeaderEpochs& epochs() = 0;

  virtual void set_options(const LogOptions& options) = 0;

  // --- Flushing. A memory log never needs it.

  // Whether there is anything appended that no flush covers or is covering, and none is under way.
  virtual bool wants_flush() const = 0;

  // Writes (and with `sync` syncs) everything appended so far. `done` is told on the queue's thread, without the lock;
  // its owner then takes the lock and calls finish_flush(). Not while one is under way.
  virtual void start_flush(IoQueue& queue, bool sync, IoCompletion& done) = 0;

  // Takes the result of the flush that has completed and moves durable_end(). On error the log is sealed: append()
  // fails with this error from now on, reads below durable_end() go on.
  virtual base::Result<void> finish_flush(base::Result<std::size_t> flushed) = 0;

  // Bytes appended that no finished flush covers.
  virtual std::uint64_t unflushed_bytes() const = 0;

  // Writes and syncs all, with the indexes and states that make the next open quick. Blocks; for shutdown.
  virtual base::Result<void> close() = 0;

  // --- Compaction, see storage/compaction.h.

  // What could be compacted. Rolls the last part when it is due, so that it can be, soon. May read a header from a file
  // once for each segment when bounds.lag_ms_max is set.
  virtual DirtyRange dirty_range(const CompactionBounds&) { return {}; }

  // One run at a time; null when one is under way, or the range is not as it was. The log is not closed, truncated or
  // destroyed before the job is.
  virtual std::unique_ptr<CompactionJob> start_compaction(const DirtyRange&, std::size_t, RunLocked) { return nullptr; }

  // Blocking work that appends, rolls and retention left behind (writing ahead of the end, snapshots, removing files),
  // to be run in this order outside the lock on any thread, also after the log is gone; empty when there is none. Ask
  // after finish_flush() and apply_retention(). A failure is worth a line in the journal and nothing else.
  virtual std::vector<std::function<base::Result<void>()>> take_background_work() = 0;
};

}  // namespace cms::storage
