// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction.h"

#include <algorithm>

#include "storage/batch_filter.h"
#include "storage/key_offsets.h"

namespace cms::storage {

using base::Error;
using base::ErrorKind;
using base::Result;
using records::BatchView;
using records::Offset;

namespace {

// Kafka counts a segment's offsets in 31 bits from its base, and so do our indexes.
constexpr Offset group_offsets_max = std::numeric_limits<std::int32_t>::max();

class Run {
 public:
  Run(CompactionJob& job, const CompactionSettings& settings)
      : job_(job),
        settings_(settings),
        keys_(static_cast<std::uint64_t>(job.range().end - job.range().first_dirty), settings.map_bytes_max,
              settings.map_load, settings.hash_seed) {}

  Result<CompactionStats> run() {
    if (Result<void> done = collect_keys(); !done) return done.error();
    stats_.keys = keys_.size();
    for (std::size_t first = 0; first < job_.parts().size() && job_.parts()[first].base < rules_.below;) {
      const std::size_t end = end_of_group(first);
      Result<void> done = replace(first, end);
      if (!done) {
        job_.abandon();
        return done.error();
      }
      first = end;
    }
    if (Result<void> done = job_.finish(rules_.below); !done) return done.error();
    stats_.first_dirty = rules_.below;
    return stats_;
  }

 private:
  // The first reading: of the dirty section only.
  Result<void> collect_keys() {
    rules_ = {job_.range().end, settings_.now_ms, settings_.delete_retention_ms};
    bool full = false;
    for (std::size_t i = 0; i < job_.parts().size() && !full; ++i) {
      if (job_.parts()[i].next <= job_.range().first_dirty) continue;
      Result<void> done = read(i, [&](const BatchView& batch) -> Result<bool> {
        if (batch.next_offset() <= job_.range().first_dirty) return true;
        const Result<Offset> collected = filter_.collect(batch, job_.range().first_dirty, keys_);
        if (!collected) return collected.error();
        if (*collected == batch.next_offset()) return true;
        rules_.below = *collected;
        full = true;
        return false;
      });
      if (!done) return done;
    }
    // The map has room for one key at least, so that every run gets on.
    CHECK(rules_.below > job_.range().first_dirty);
    return {};
  }

  // Parts that fit into one, as they are before: what they shrink to, the next run may put together further.
  std::size_t end_of_group(std::size_t first) const {
    const std::vector<CompactionJob::Part>& parts = job_.parts();
    std::uint64_t bytes = parts[first].bytes;
    std::size_t end = first + 1;
    while (end < parts.size() && parts[end].base < rules_.below && bytes + parts[end].bytes <= job_.group_bytes_max() &&
           parts[end].next - parts[first].base <= group_offsets_max) {
      bytes += parts[end++].bytes;
    }
    return end;
  }

  Result<void> replace(std::size_t first, std::size_t end) {
    if (Result<void> begun = job_.begin(first, end); !begun) return begun;
    bool changed = end - first > 1;
    const Offset group_next = job_.parts()[end - 1].next;
    for (std::size_t i = first; i < end; ++i) {
      Result<void> done = read(i, [&](const BatchView& batch) -> Result<bool> {
        const Result<bool> same = pass_on(batch, group_next);
        if (!same) return same.error();
        changed |= !*same;
        return true;
      });
      if (!done) return done;
    }
    if (!changed) {
      job_.abandon();
      return {};
    }
    ++stats_.groups_replaced;
    return job_.install();
  }

  // Whether the batch was added as it is.
  Result<bool> pass_on(const BatchView& batch, Offset group_next) {
    const Result<BatchFilter::Kept> kept = filter_.filter(batch, keys_, rules_);
    if (!kept) return kept.error();
    stats_.records_read += filter_.records_read();
    stats_.records_removed += filter_.records_removed();
    switch (*kept) {
      case BatchFilter::Kept::all:
        return add(batch, true);
      case BatchFilter::Kept::some:
        return add(filter_.rewritten(), false);
      case BatchFilter::Kept::none:
        break;
    }
    if (batch.next_offset() != group_next && !job_.is_last_of_producer(batch.base_offset())) return false;
    if (batch.record_count() == 0) return add(batch, true);
    const std::vector<std::byte> emptied = empty_batch(batch);
    return add(*BatchView::frame(emptied), false);
  }

  Result<bool> add(const BatchView& batch, bool same) {
    stats_.bytes_written += batch.size();
    if (Result<void> paced = pace(batch.size()); !paced) return paced.error();
    if (Result<void> added = job_.add(batch); !added) return added.error();
    return same;
  }

  // Visits a part's batches until the visitor has had enough or found something wrong.
  template <typename Visitor>
  Result<void> read(std::size_t part, Visitor visitor) {
    Result<void> wrong;
    Result<void> done = job_.read(part, [&](const BatchView& batch) {
      stats_.bytes_read += batch.size();
      wrong = pace(batch.size());
      if (!wrong) return false;
      const Result<bool> more = visitor(batch);
      if (!more)
        wrong = more.error().while_doing("compacting the batch at offset " + std::to_string(batch.base_offset()));
      return more && *more;
    });
    return wrong ? done : wrong;
  }

  Result<void> pace(std::size_t bytes) {
    unpaced_ += bytes;
    if (unpaced_ < settings_.pace_bytes) return {};
    const std::size_t told = std::exchange(unpaced_, 0);
    if (!settings_.pace || settings_.pace(told)) return {};
    return Error(ErrorKind::closed, "the compaction was given up");
  }

  CompactionJob& job_;
  const CompactionSettings& settings_;
  KeyOffsets keys_;
  FilterRules rules_;
  BatchFilter filter_;
  CompactionStats stats_;
  std::size_t unpaced_ = 0;
};

}  // namespace

bool CompactionJob::is_last_of_producer(Offset base_offset) const {
  return std::binary_search(last_of_producers_.begin(), last_of_producers_.end(), base_offset);
}

Result<CompactionStats> compact(CompactionJob& job, const CompactionSettings& settings) {
  CHECK(!job.range().empty());
  return Run(job, settings).run();
}

}  // namespace cms::storage
