// SPDX-License-Identifier: Apache-2.0
#include "broker/groups/log_reader.h"

#include <algorithm>
#include <vector>

#include "base/log.h"
#include "broker/handlers/cold_fetch.h"
#include "records/iterate.h"

namespace cms::broker {

namespace {

constexpr std::size_t bytes_at_once = 4u << 20;
constexpr std::chrono::seconds progress_interval{1};

base::Error broken(Offset offset, const std::string& why) {
  return base::Error(base::ErrorKind::corrupt, "from offset " + std::to_string(offset) + " on: " + why);
}

// One reading of one partition.
class LogReader {
 public:
  LogReader(Partition& partition, const RecordVisitor& visit) : partition_(partition), visit_(visit) {}

  base::Result<Offset> read_from(Offset from) {
    const Positions positions = partition_.positions();
    next_ = first_ = std::max(from, positions.start);
    end_ = positions.stable;
    while (next_ < end_) {
      const Offset before = next_;
      if (const auto read = read_some(); !read) return read.error();
      if (next_ == before) return broken(next_, "no batch is there");
      show_progress();
    }
    return next_;
  }

 private:
  base::Result<void> read_some() {
    protocol::Records warm;
    const ReadOutcome outcome = partition_.read({.offset = next_, .bytes_max = bytes_at_once}, &warm);
    if (outcome.error == ErrorCode::offset_out_of_range && outcome.log_start_offset > next_) {
      next_ = outcome.log_start_offset;  // retention was faster
      return {};
    }
    if (outcome.error != ErrorCode::none) return broken(next_, std::string(protocol::name_of(outcome.error)));
    if (outcome.cold) return read_cold(*outcome.cold);
    for (const base::Bytes& piece : warm.slices()) {
      if (const auto visited = visit_batches(piece.span()); !visited) return visited.error();
    }
    return {};
  }

  base::Result<void> read_cold(const storage::ColdRange& range) {
    std::uint64_t position = range.position;
    std::size_t size = range.bytes;
    while (true) {
      buffer_.resize(size);
      const auto got = range.file->read_at(position, buffer_);
      if (!got) return got.error();
      const base::ByteSpan bytes = base::ByteSpan(buffer_).first(*got);
      const ColdSlice slice = find_in_cold(bytes, next_, end_, bytes_at_once);
      if (slice.missing > 0 && *got == size && (slice.from > 0 || slice.missing > size)) {
        position += slice.from;
        size = slice.missing;
        continue;
      }
      return visit_batches(bytes.subspan(slice.from, slice.size));
    }
  }

  base::Result<void> visit_batches(base::ByteSpan bytes) {
    while (!bytes.empty()) {
      const auto batch = records::BatchView::frame(bytes);
      if (!batch) return broken(next_, "a batch is cut off");
      if (batch->base_offset() >= end_) break;
      if (!batch->is_control()) {
        if (const auto visited = visit_records(*batch); !visited) return visited.error();
      }
      next_ = std::max(next_, batch->next_offset());
      bytes = bytes.subspan(batch->size());
    }
    return {};
  }

  base::Result<void> visit_records(const records::BatchView& batch) {
    records_.open(batch);
    while (const records::RecordView* record = records_.next()) {
      if (record->offset < next_) continue;
      visit_(record->offset, record->key.value_or(base::ByteSpan{}), record->value);
    }
    if (!records_.status()) return broken(batch.base_offset(), records_.status().error().message());
    return {};
  }

  void show_progress() {
    const auto now = std::chrono::steady_clock::now();
    if (now < shown_at_ + progress_interval) return;
    shown_at_ = now;
    base::log_info("reading a log", "topic", partition_.identity().topic, "partition", partition_.identity().index,
                   "records", next_ - first_, "of", end_ - first_);
  }

  Partition& partition_;
  const RecordVisitor& visit_;
  Offset first_ = 0;
  Offset next_ = 0;
  Offset end_ = 0;
  std::vector<std::byte> buffer_;
  records::RecordReader records_;
  std::chrono::steady_clock::time_point shown_at_ = std::chrono::steady_clock::now();
};

}  // namespace

base::Result<Offset> read_log(Partition& partition, Offset from, const RecordVisitor& visit) {
  return LogReader(partition, visit).read_from(from);
}

}  // namespace cms::broker
