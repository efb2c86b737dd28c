// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_compaction.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/log.h"
#include "storage/checked_bytes.h"
#include "storage/segment_recovery.h"

namespace cms::storage {

using base::Result;
using records::BatchView;
using records::Offset;

namespace {

constexpr std::uint32_t cleaner_magic = 0x434d4343;  // CMCC

void free_buffer(std::byte* buffer) { std::free(buffer); }

std::size_t whole_blocks(std::size_t bytes) {
  return std::max<std::size_t>(bytes / disk_block_bytes, 16) * disk_block_bytes;
}

Result<void> remove_if_there(Disk& disk, const std::string& path) {
  return disk.exists(path) ? disk.remove(path) : Result<void>();
}

}  // namespace

std::vector<std::byte> CleanerCheckpoint::encode() const {
  CheckedWriter writer(cleaner_magic);
  writer.add(first_dirty);
  writer.add(gaps_below);
  return std::move(writer).finish();
}

Result<CleanerCheckpoint> CleanerCheckpoint::decode(base::ByteSpan bytes) {
  CheckedReader reader(bytes, cleaner_magic);
  CleanerCheckpoint checkpoint;
  checkpoint.first_dirty = reader.take<Offset>();
  checkpoint.gaps_below = reader.take<Offset>();
  if (!reader.ok() || reader.left() > 0) return CheckedReader::corrupt("cleaner checkpoint");
  return checkpoint;
}

CompactedSegment::CompactedSegment(Disk& disk, std::string directory, Offset base, Offset next,
                                   std::uint32_t index_interval_bytes, std::size_t buffer_bytes)
    : disk_(disk),
      directory_(std::move(directory)),
      base_(base),
      next_(next),
      index_interval_bytes_(std::max(index_interval_bytes, 1u)),
      buffer_bytes_(whole_blocks(buffer_bytes)),
      buffer_(static_cast<std::byte*>(std::aligned_alloc(disk_block_bytes, buffer_bytes_)), free_buffer) {
  state_.next_offset = segment_.base = base_;
  state_.gaps_below = next_;
}

CompactedSegment::~CompactedSegment() { discard(); }

std::string CompactedSegment::path(std::string_view suffix, std::string_view stage) const {
  return directory_ + "/" + formats::offset_name(base_, suffix) + std::string(stage);
}

Result<void> CompactedSegment::open() {
  Result<std::unique_ptr<File>> file =
      disk_.open(path(formats::log_suffix, formats::cleaned_stage), OpenMode::create_direct);
  if (!file) return file.error();
  file_ = std::move(*file);
  return file_->truncate(0);
}

Result<void> CompactedSegment::add(const BatchView& batch) {
  CHECK(batch.base_offset() >= state_.next_offset && batch.next_offset() <= next_);
  segment_.add_point(state_.next_offset, state_.position);
  const std::uint64_t last = entries_.empty() ? 0 : entries_.back().position;
  if (state_.position - last >= index_interval_bytes_) {
    entries_.push_back({static_cast<std::uint32_t>(state_.next_offset - base_),
                        static_cast<std::uint32_t>(state_.position), state_.largest_timestamp, records::no_timestamp,
                        state_.frames_crc});
  }
  for (base::ByteSpan rest = batch.bytes(); !rest.empty();) {
    const std::size_t bytes = std::min(rest.size(), buffer_bytes_ - buffered_);
    std::memcpy(buffer_.get() + buffered_, rest.data(), bytes);
    buffered_ += bytes;
    rest = rest.subspan(bytes);
    if (buffered_ < buffer_bytes_) continue;
    if (Result<void> written = write_out(false); !written) return written;
  }
  state_.position += batch.size();
  state_.next_offset = batch.next_offset();
  state_.largest_timestamp = std::max(state_.largest_timestamp, batch.max_timestamp());
  state_.frames_crc = add_frame(state_.frames_crc, batch);
  return {};
}

Result<void> CompactedSegment::write_out(bool all) {
  std::size_t bytes = buffered_;
  if (all && file_->direct()) {
    bytes = (buffered_ + disk_block_bytes - 1) / disk_block_bytes * disk_block_bytes;
    std::memset(buffer_.get() + buffered_, 0, bytes - buffered_);
  }
  if (bytes == 0) return {};
  if (Result<void> written = file_->write_at(buffer_position_, {buffer_.get(), bytes}); !written) return written;
  buffer_position_ += buffered_;
  buffered_ = 0;
  return {};
}

Result<void> CompactedSegment::write_index() {
  const IndexHeader header{base_};
  const auto encoded = header.encode();
  std::vector<std::byte> bytes(encoded.begin(), encoded.end());
  entries_.push_back({static_cast<std::uint32_t>(state_.next_offset - base_),
                      static_cast<std::uint32_t>(state_.position), state_.largest_timestamp, records::no_timestamp,
                      state_.frames_crc});
  for (const IndexEntry& entry : entries_) encode_index_entry(entry, header.checksum(), bytes);
  Result<std::unique_ptr<File>> file =
      disk_.open(path(formats::index_suffix, formats::cleaned_stage), OpenMode::create);
  if (!file) return file.error();
  Result<void> written = (*file)->truncate(0);
  if (written) written = (*file)->write_at(0, bytes);
  return written ? (*file)->sync() : written;
}

Result<void> CompactedSegment::commit() {
  CHECK(state_.next_offset == next_ && state_.position > 0);
  Result<void> done = write_out(true);
  if (done && file_->direct()) done = file_->truncate(state_.position);
  if (done) done = file_->sync();
  if (done) done = write_index();
  if (!done) return done;
  file_.reset();
  const std::string cleaned = path(formats::log_suffix, formats::cleaned_stage);
  Result<std::unique_ptr<File>> reader = disk_.open(cleaned, OpenMode::read);
  if (!reader) return reader.error();
  reader_ = std::move(*reader);
  done = disk_.rename(path(formats::index_suffix, formats::cleaned_stage),
                      path(formats::index_suffix, formats::swap_stage));
  if (done) done = disk_.rename(cleaned, path(formats::log_suffix, formats::swap_stage));
  if (done) done = disk_.sync_directory(directory_);
  if (!done) return done;
  committed_ = true;
  return {};
}

// The log before its index: a .log.swap without one would be taken with the index of the segment it replaces.
void CompactedSegment::discard() {
  if (committed_ || discarded_) return;
  discarded_ = true;
  file_.reset();
  for (const std::string_view stage : {formats::swap_stage, formats::cleaned_stage}) {
    for (const std::string_view suffix : {formats::log_suffix, formats::index_suffix}) {
      if (!remove_if_there(disk_, path(suffix, stage))) stuck_ = true;
    }
  }
}

Segment CompactedSegment::segment() const {
  Segment segment = segment_;
  segment.next = next_;
  segment.size = segment.written = segment.synced = state_.position;
  segment.largest_timestamp = state_.largest_timestamp;
  segment.frames_crc = state_.frames_crc;
  segment.index_entries = entries_.size();
  segment.indexed_position = state_.position;
  segment.finished = true;
  segment.points.shrink_to_fit();
  segment.points_known = true;
  segment.file = std::make_shared<SegmentFile>(directory_, base_, formats::swap_stage);
  segment.settling = reader_;
  return segment;
}

namespace {

// The steps behind a commit, from any of them on.
class Settlement {
 public:
  Settlement(Disk& disk, const base::Clock& clock, const std::string& directory, const std::vector<std::string>& names)
      : disk_(disk), clock_(clock), directory_(directory), names_(names) {}

  Result<bool> run() {
    bool changed = false;
    for (const std::string& name : names_) {
      const std::optional<Offset> base = base_of(name, formats::log_suffix, formats::swap_stage);
      if (!base) continue;
      changed = true;
      if (Result<void> done = settle(*base); !done) return done.error();
    }
    for (const std::string& name : names_) {
      const bool never_committed = base_of(name, formats::log_suffix, formats::cleaned_stage) ||
                                   base_of(name, formats::index_suffix, formats::cleaned_stage) ||
                                   base_of(name, formats::index_suffix, formats::swap_stage);
      if (!never_committed || !disk_.exists(path(name))) continue;
      changed = true;
      if (Result<void> removed = disk_.remove(path(name)); !removed) return removed.error();
    }
    return changed;
  }

 private:
  std::string path(const std::string& name) const { return directory_ + "/" + name; }

  static std::optional<Offset> base_of(std::string_view name, std::string_view suffix, std::string_view stage) {
    if (!name.ends_with(stage)) return std::nullopt;
    return formats::offset_of_name(name.substr(0, name.size() - stage.size()), suffix);
  }

  Result<void> settle(Offset base) {
    const SegmentFile swap(directory_, base, formats::swap_stage);
    const SegmentFile in_place(directory_, base);
    const Result<std::optional<ScanState>> end = read_whole(swap.log_path(), base);
    if (!end) return end.error();
    if (!*end) return put_aside(disk_, clock_, swap.log_path());
    base::log_info("finishing a compaction that was interrupted", "segment", in_place.log_path());
    for (const std::string& name : names_) {
      const std::optional<Offset> other = formats::offset_of_name(name, formats::log_suffix);
      if (!other || *other <= base || *other >= (*end)->next_offset) continue;
      for (const std::string_view suffix : {formats::log_suffix, formats::index_suffix}) {
        Result<void> removed = remove_if_there(disk_, path(formats::offset_name(*other, suffix)));
        if (!removed) return removed;
      }
    }
    Result<void> done = settle_index(swap, in_place, base, **end);
    if (done) done = disk_.sync_directory(directory_);
    return done ? disk_.rename(swap.log_path(), in_place.log_path()) : done;
  }

  Result<void> settle_index(const SegmentFile& swap, const SegmentFile& in_place, Offset base, const ScanState& end) {
    if (disk_.exists(swap.index_path())) return disk_.rename(swap.index_path(), in_place.index_path());
    const Result<std::optional<IndexEntry>> last = load_last_entry(disk_, in_place.index_path(), base);
    if (!last) return last.error();
    const bool belongs = *last && (*last)->position == end.position && (*last)->frames_crc == end.frames_crc;
    return belongs ? Result<void>() : remove_if_there(disk_, in_place.index_path());
  }

  // Nothing is removed on the word of a name alone. nullopt: the file is damaged.
  Result<std::optional<ScanState>> read_whole(const std::string& log_path, Offset base) {
    const Result<std::unique_ptr<File>> file = disk_.open(log_path, OpenMode::read);
    if (!file) return file.error();
    const Result<std::uint64_t> size = (*file)->size();
    if (!size) return size.error();
    ScanState state;
    state.next_offset = base;
    state.gaps_below = std::numeric_limits<Offset>::max();
    BatchScan scan;
    const Result<ScanEnd> why = scan.run(**file, *size, Checks::all, state, nullptr);
    if (!why) return why.error();
    if (why->reason != ScanEnd::Reason::end || state.position == 0) return std::optional<ScanState>{};
    return std::optional(state);
  }

  Disk& disk_;
  const base::Clock& clock_;
  const std::string& directory_;
  const std::vector<std::string>& names_;
};

}  // namespace

Result<bool> settle_compactions(Disk& disk, const base::Clock& clock, const std::string& directory,
                                const std::vector<std::string>& names) {
  return Settlement(disk, clock, directory, names).run();
}

}  // namespace cms::storage
