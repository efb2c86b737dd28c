// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_recovery.h"

#include <algorithm>

#include "base/log.h"

namespace cms::storage {

namespace {

using base::Error;
using base::ErrorKind;
using base::Result;

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string corrupt_path(Disk& disk, const base::Clock& clock, const std::string& path) {
  std::string candidate = path + ".corrupt-" + std::to_string(clock.now_ms());
  while (disk.exists(candidate)) candidate += "-again";
  return candidate;
}

// Extends the believed entries by those that a scan makes.
class IndexBuilder {
 public:
  IndexBuilder(LoadedIndex& index, const Segment& segment, std::uint32_t interval_bytes)
      : index_(index), base_(segment.base), interval_bytes_(std::max(interval_bytes, 1u)) {}

  void see(const ScanState& before) {
    const std::uint64_t last = index_.entries.empty() ? 0 : index_.entries.back().position;
    if (before.position > last && before.position - last >= interval_bytes_) add(before);
  }

  void add(const ScanState& state) {
    const records::TimestampMs append_time =  // not known any more; it must not fall
        index_.entries.empty() ? records::no_timestamp : index_.entries.back().append_time;
    index_.entries.push_back({static_cast<std::uint32_t>(state.next_offset - base_),
                              static_cast<std::uint32_t>(state.position), state.largest_timestamp, append_time,
                              state.frames_crc});
  }

 private:
  LoadedIndex& index_;
  const records::Offset base_;
  const std::uint32_t interval_bytes_;
};

ScanState state_at(const SegmentRecovery& recovery, const Segment& segment, const IndexEntry* entry) {
  ScanState state;
  state.gaps_below = recovery.gaps_below;
  state.next_offset = segment.base;
  if (entry == nullptr) return state;
  state.position = entry->position;
  state.next_offset = segment.base + entry->relative_offset;
  state.largest_timestamp = entry->largest_timestamp;
  state.frames_crc = entry->frames_crc;
  return state;
}

// Writes the entries from number `valid` on; all of it with a new header when nothing was valid.
Result<void> write_index(const SegmentRecovery& recovery, const Segment& segment, const LoadedIndex& index,
                         std::size_t valid, bool rename_old) {
  const std::string path = segment.file->index_path();
  if (rename_old && recovery.disk.exists(path)) {
    if (Result<void> aside = put_aside(recovery.disk, recovery.clock, path); !aside) return aside;
  }
  Result<std::unique_ptr<File>> file = recovery.disk.open(path, OpenMode::create);
  if (!file) return file.error();
  const IndexHeader header{segment.base};
  const bool fresh = index.header_checksum == 0;
  std::vector<std::byte> bytes;
  if (fresh) {
    const auto encoded = header.encode();
    bytes.assign(encoded.begin(), encoded.end());
  }
  const std::uint32_t checksum = fresh ? header.checksum() : index.header_checksum;
  for (std::size_t i = fresh ? 0 : valid; i < index.entries.size(); ++i) {
    encode_index_entry(index.entries[i], checksum, bytes);
  }
  const std::uint64_t position = fresh ? 0 : index_position(valid);
  if (Result<void> cut = (*file)->truncate(position); !cut) return cut;
  return (*file)->write_at(position, bytes);
}

void take_points(Segment& segment, const LoadedIndex& index) {
  segment.points.clear();
  segment.add_point(segment.base, 0);
  for (const IndexEntry& entry : index.entries) {
    if (entry.position < segment.size) segment.add_point(segment.base + entry.relative_offset, entry.position);
  }
  segment.points.shrink_to_fit();
  segment.points_known = true;
}

struct Scanned {
  LoadedIndex index;
  std::size_t valid_entries;
  ScanEnd why;
  RecoveredSegment result;
};

// From the last believed entry on. An index whose entries do not lead to a batch is not believed at all.
Result<Scanned> scan_segment(const SegmentRecovery& recovery, const Segment& segment, File& file, std::uint64_t size,
                             const BatchScan::Visitor& visitor) {
  Result<LoadedIndex> loaded = load_index(recovery.disk, segment.file->index_path(), segment.base, size);
  if (!loaded) return loaded.error();
  Scanned scanned{std::move(*loaded), 0, {}, {}};
  LoadedIndex& index = scanned.index;
  if (index.beyond > 0) {
    base::log_error("segment is shorter than what was synced of it", "file", segment.file->log_path(), "bytes", size,
                    "synced", index.beyond);
  }
  scanned.valid_entries = index.entries.size();
  scanned.result.end = state_at(recovery, segment, index.entries.empty() ? nullptr : &index.entries.back());
  const std::uint64_t begin = scanned.result.end.position;
  IndexBuilder builder(index, segment, recovery.index_interval_bytes);
  Result<ScanEnd> why = recovery.scan.run(file, size, Checks::all, scanned.result.end,
                                          [&](const ScanState& before, const records::BatchView& batch) {
                                            builder.see(before);
                                            return !visitor || visitor(before, batch);
                                          });
  if (!why) return why.error().while_doing("reading " + segment.file->log_path());
  scanned.why = std::move(*why);
  scanned.result.scanned_bytes = scanned.result.end.position - begin;
  return scanned;
}

// Where a sync failed before the process ended, reading shows what the kernel holds and will never write (Rebello et
// al., ATC 2020). Writing the same bytes again makes the sync that follows cover them.
Result<void> write_again(File& file, std::uint64_t from, std::uint64_t to) {
  std::vector<std::byte> buffer(std::min<std::uint64_t>(1u << 20, to - from));
  for (std::uint64_t at = from; at < to;) {
    const std::size_t bytes = std::min<std::uint64_t>(buffer.size(), to - at);
    const Result<std::size_t> got = file.read_at(at, base::MutableByteSpan(buffer).first(bytes));
    if (!got) return got.error();
    if (*got == 0) return Error(ErrorKind::io, "the file became shorter while it was read");
    if (Result<void> written = file.write_at(at, base::ByteSpan(buffer).first(*got)); !written) return written;
    at += *got;
  }
  return {};
}

// Cuts the file after its last whole batch; what lies behind is kept elsewhere.
Result<void> cut(const SegmentRecovery& recovery, File& file, const Segment& segment, std::uint64_t size,
                 Scanned& scanned) {
  const std::uint64_t end = scanned.result.end.position;
  if (size > end) {
    const Result<std::uint64_t> data_end = end_of_data(file, end, size);
    if (!data_end) return data_end.error();
    if (*data_end > end) {
      base::log_warning("segment ends in bytes that are no whole batch; putting them aside", "file",
                        segment.file->log_path(), "position", end, "bytes", *data_end - end, "because",
                        scanned.why.problem);
      Result<void> aside =
          put_aside_part(recovery.disk, recovery.clock, file, segment.file->log_path(), end, *data_end);
      if (!aside) return aside;
      scanned.result.put_aside_bytes = *data_end - end;
    }
    if (Result<void> shorter = file.truncate(end); !shorter) return shorter;
  }
  if (Result<void> again = write_again(file, end - scanned.result.scanned_bytes, end); !again) return again;
  return file.sync();
}

void settle(Segment& segment, const Scanned& scanned) {
  segment.size = segment.written = segment.synced = scanned.result.end.position;
  segment.frames_crc = scanned.result.end.frames_crc;
  segment.next = scanned.result.end.next_offset;
  segment.largest_timestamp = scanned.result.end.largest_timestamp;
}

}  // namespace

Result<void> put_aside(Disk& disk, const base::Clock& clock, const std::string& path) {
  const std::string to = corrupt_path(disk, clock, path);
  base::log_warning("putting a file aside that cannot be believed", "file", path, "to", name_of(to));
  if (Result<void> renamed = disk.rename(path, to); !renamed) return renamed;
  // The next crash must not bring it back: by then it may look as if it fitted.
  const std::size_t slash = path.rfind('/');
  return disk.sync_directory(slash == std::string::npos ? "." : path.substr(0, slash));
}

Result<void> put_aside_part(Disk& disk, const base::Clock& clock, File& file, const std::string& path,
                            std::uint64_t from, std::uint64_t to) {
  Result<std::unique_ptr<File>> copy = disk.open(corrupt_path(disk, clock, path), OpenMode::create);
  if (!copy) return copy.error();
  std::vector<std::byte> buffer(std::min<std::uint64_t>(1u << 20, to - from));
  for (std::uint64_t at = from; at < to;) {
    const Result<std::size_t> got =
        file.read_at(at, base::MutableByteSpan(buffer).first(std::min<std::uint64_t>(buffer.size(), to - at)));
    if (!got) return got.error();
    if (*got == 0) break;
    Result<void> written = (*copy)->write_at(at - from, base::ByteSpan(buffer).first(*got));
    if (!written) return written;
    at += *got;
  }
  return (*copy)->sync();
}

Result<RecoveredSegment> recover_last_segment(const SegmentRecovery& recovery, Segment& segment,
                                              const BatchScan::Visitor& visitor) {
  Result<std::unique_ptr<File>> file = recovery.disk.open(segment.file->log_path(), OpenMode::write);
  if (!file) return file.error();
  const Result<std::uint64_t> size = (*file)->size();
  if (!size) return size.error();
  const std::uint64_t end = std::min(*size, formats::segment_bytes_max * 2);
  Result<Scanned> scanned = scan_segment(recovery, segment, **file, end, visitor);
  if (!scanned) return scanned.error();
  if (Result<void> done = cut(recovery, **file, segment, *size, *scanned); !done) {
    return done.error().while_doing("recovering " + segment.file->log_path());
  }
  settle(segment, *scanned);
  const LoadedIndex& index = scanned->index;
  if (index.damaged || index.entries.size() > scanned->valid_entries) {
    const bool rename_old = index.header_checksum == 0;
    Result<void> written = write_index(recovery, segment, index, scanned->valid_entries, rename_old);
    if (!written) return written.error().while_doing("rebuilding the index of " + segment.file->log_path());
  }
  take_points(segment, index);
  segment.index_entries = index.entries.size();
  if (!index.entries.empty()) {
    segment.indexed_position = index.entries.back().position;
    segment.last_append_ms = index.entries.back().append_time;
  }
  return scanned->result;
}

Result<RecoveredSegment> recover_finished_segment(const SegmentRecovery& recovery, Segment& segment,
                                                  records::Offset next, const BatchScan::Visitor& visitor) {
  const std::string& path = segment.file->log_path();
  Result<std::unique_ptr<File>> file = recovery.disk.open(path, OpenMode::write);
  if (!file) return file.error();
  const Result<std::uint64_t> size = (*file)->size();
  if (!size) return size.error();
  const Result<std::optional<IndexEntry>> last =
      load_last_entry(recovery.disk, segment.file->index_path(), segment.base);
  if (!last) return last.error();
  segment.finished = true;
  if (*last && (*last)->position == *size && segment.base + (*last)->relative_offset == next) {
    segment.size = segment.written = segment.synced = *size;
    segment.next = next;
    segment.largest_timestamp = (*last)->largest_timestamp;
    RecoveredSegment result;
    result.end = state_at(recovery, segment, &**last);
    return result;
  }
  if (*size > formats::segment_bytes_max * 2) return Error(ErrorKind::corrupt, path + " is larger than any segment");
  Result<Scanned> scanned = scan_segment(recovery, segment, **file, *size, visitor);
  if (!scanned) return scanned.error();
  const ScanState& end = scanned->result.end;
  if (scanned->why.reason == ScanEnd::Reason::bad || end.next_offset != next) {
    const std::string problem = scanned->why.problem.empty() ? "records are missing" : scanned->why.problem;
    return Error(
        ErrorKind::corrupt,
        path + ": " + problem + " at position " + std::to_string(end.position) + "; the records from offset " +
            std::to_string(end.next_offset) + " to " + std::to_string(next - 1) +
            " cannot be read. Restore this file from a copy and start again; or give them up by moving this file "
            "and all .log files with lower numbers out of the directory");
  }
  if (Result<void> done = cut(recovery, **file, segment, *size, *scanned); !done) return done.error();
  settle(segment, *scanned);
  LoadedIndex& index = scanned->index;
  if (end.position > 0 && (index.entries.empty() || index.entries.back().position != end.position)) {
    IndexBuilder(index, segment, recovery.index_interval_bytes).add(end);
  }
  Result<void> written = write_index(recovery, segment, index, scanned->valid_entries, index.header_checksum == 0);
  if (!written) return written.error().while_doing("rebuilding the index of " + path);
  take_points(segment, index);
  return scanned->result;
}

}  // namespace cms::storage
