// SPDX-License-Identifier: Apache-2.0
#include "storage/recovery.h"

#include <algorithm>
#include <optional>

#include "base/log.h"
#include "storage/batch_scan.h"
#include "storage/checkpoint.h"
#include "storage/formats.h"
#include "storage/segment_compaction.h"
#include "storage/segment_recovery.h"

namespace cms::storage {

namespace {

using base::Error;
using base::ErrorKind;
using base::Result;
using records::Offset;

constexpr std::size_t producers_bytes_max = 1u << 30;

class Recovery {
 public:
  Recovery(Disk& disk, const base::Clock& clock, const std::string& directory, const RecoveryOptions& options)
      : disk_(disk),
        clock_(clock),
        directory_(directory),
        options_(options),
        scan_([this](std::uint64_t bytes) { report(bytes); }),
        started_(clock.steady()) {}

  Result<RecoveredLog> run() {
    log_.first = log_.next = options_.start_offset;
    if (!disk_.exists(directory_)) return std::move(log_);
    log_.directory_exists = true;
    for (const auto step : {&Recovery::list, &Recovery::load_checkpoint, &Recovery::load_cleaner_checkpoint}) {
      if (Result<void> done = (this->*step)(); !done) return failed(done.error());
    }
    if (checkpoint_ && checkpoint_->clean) {
      const Result<bool> taken = take_clean_checkpoint();
      if (!taken) return failed(taken.error());
      if (*taken) return std::move(log_);
    }
    // What is found must be what a loss of power would leave, also where a sync had failed before.
    if (Result<void> synced = disk_.sync_directory(directory_); !synced) return failed(synced.error());
    for (const auto step :
         {&Recovery::drop_obsolete, &Recovery::recover_segments, &Recovery::settle_offsets, &Recovery::replay}) {
      if (Result<void> done = (this->*step)(); !done) return failed(done.error());
    }
    return std::move(log_);
  }

 private:
  Error failed(const Error& error) { return error.while_doing("recovering " + directory_); }

  std::string path(Offset offset, std::string_view suffix) const {
    return directory_ + "/" + formats::offset_name(offset, suffix);
  }

  Result<void> list() {
    Result<std::vector<std::string>> names = disk_.list(directory_);
    if (!names) return names.error();
    const Result<bool> settled = settle_compactions(disk_, clock_, directory_, *names);
    if (!settled) return settled.error();
    if (*settled) names = disk_.list(directory_);
    if (!names) return names.error();
    for (const std::string& name : *names) {
      if (const auto base = formats::offset_of_name(name, formats::log_suffix)) bases_.push_back(*base);
      if (const auto next = formats::offset_of_name(name, formats::producers_suffix)) snapshots_.push_back(*next);
      has_checkpoint_ |= name == formats::checkpoint_name;
      has_cleaner_checkpoint_ |= name == formats::cleaner_checkpoint_name;
    }
    std::sort(bases_.begin(), bases_.end());
    std::sort(snapshots_.begin(), snapshots_.end());
    return {};
  }

  Result<void> load_checkpoint() {
    if (!has_checkpoint_) return {};
    const std::string name = directory_ + "/" + std::string(formats::checkpoint_name);
    Result<std::vector<std::byte>> bytes = read_file(disk_, name, formats::checkpoint::bytes_max);
    if (!bytes) return bytes.error();
    Result<Checkpoint> checkpoint = Checkpoint::decode(*bytes);
    if (!checkpoint) return put_aside(disk_, clock_, name);
    checkpoint_ = std::move(*checkpoint);
    return {};
  }

  // A damaged one is replaced by one that allows for gaps wherever there may be any.
  Result<void> load_cleaner_checkpoint() {
    if (!has_cleaner_checkpoint_) return {};
    const std::string name = directory_ + "/" + std::string(formats::cleaner_checkpoint_name);
    const Result<std::vector<std::byte>> bytes = read_file(disk_, name, 4096);
    Result<CleanerCheckpoint> checkpoint = bytes ? CleanerCheckpoint::decode(*bytes) : bytes.error();
    if (!checkpoint) {
      if (Result<void> aside = put_aside(disk_, clock_, name); !aside) return aside;
      checkpoint = CleanerCheckpoint{0, bases_.empty() ? 0 : bases_.back()};
      if (Result<void> saved = replace_file(disk_, name, checkpoint->encode()); !saved) return saved;
    }
    log_.first_dirty = checkpoint->first_dirty;
    log_.gaps_below = checkpoint->gaps_below;
    return {};
  }

  // False when the checkpoint does not match what is there: somebody has been at the files since.
  Result<bool> take_clean_checkpoint() {
    const Checkpoint& saved = *checkpoint_;
    if (saved.segments.size() != bases_.size()) return false;
    Offset below = saved.next_offset;
    for (std::size_t i = bases_.size(); i-- > 0; below = bases_[i]) {
      if (saved.segments[i].base != bases_[i] || bases_[i] > below) return false;
    }
    if (!bases_.empty()) {
      const Result<std::unique_ptr<File>> file = disk_.open(path(bases_.back(), formats::log_suffix), OpenMode::read);
      if (!file) return file.error();
      const Result<std::uint64_t> size = (*file)->size();
      if (!size) return size.error();
      if (*size != saved.segments.back().size) return false;
      // New entries would be written behind a damaged header that nobody believes after a crash: then the records they
      // vouch for would be scanned from the segment's beginning, and damage before them would cost them too.
      const Result<std::optional<IndexEntry>> last =
          load_last_entry(disk_, path(bases_.back(), formats::index_suffix), bases_.back());
      if (!last) return last.error();
      if (saved.index_entries > 0 && !*last) return false;
    }
    if (saved.has_producers && !load_producers(saved.next_offset)) return false;
    if (Result<void> done = drop_later_snapshots(saved.next_offset); !done) return done.error();
    take_segments(saved);
    return true;
  }

  void take_segments(const Checkpoint& saved) {
    for (std::size_t i = 0; i < bases_.size(); ++i) {
      Segment segment = segment_at(i);
      segment.size = saved.segments[i].size;
      segment.largest_timestamp = saved.segments[i].largest_timestamp;
      segment.next = i + 1 < bases_.size() ? bases_[i + 1] : saved.next_offset;
      segment.finished = i + 1 < bases_.size();
      segment.written = segment.synced = segment.size;
      log_.segments.push_back(std::move(segment));
    }
    log_.clean = true;
    log_.first = saved.log_start;
    log_.next = std::max(saved.next_offset, saved.log_start);
    log_.epochs = saved.epochs;
    log_.snapshots = snapshots_;
    if (log_.segments.empty()) return;
    Segment& last = log_.segments.back();
    last.frames_crc = saved.frames_crc;
    last.index_entries = saved.index_entries;
    last.indexed_position = last.size;
    last.last_append_ms = saved.last_append_ms;
    last.first_append_ms = saved.first_append_ms;
  }

  Segment segment_at(std::size_t i) const {
    Segment segment;
    segment.base = segment.next = bases_[i];
    segment.file = std::make_shared<SegmentFile>(directory_, bases_[i]);
    return segment;
  }

  // Segments that end at or before the log start offset.
  Result<void> drop_obsolete() {
    if (!checkpoint_) {
      if (!bases_.empty()) log_.first = bases_.front();
      return {};
    }
    log_.first = checkpoint_->log_start;
    while (bases_.size() > 1 && bases_[1] <= log_.first) {
      log_.obsolete_segments.push_back(bases_.front());
      bases_.erase(bases_.begin());
    }
    if (!bases_.empty() && bases_.front() > log_.first) {
      base::log_error("records at the start of the log are missing", "directory", directory_, "from", log_.first, "to",
                      bases_.front() - 1);
      log_.first = bases_.front();
    }
    log_.epochs = checkpoint_->epochs;
    return {};
  }

  Result<void> recover_segments() {
    count_bytes();
    const SegmentRecovery recovery{disk_, clock_, options_.index_interval_bytes, scan_, log_.gaps_below};
    for (std::size_t i = 0; i < bases_.size(); ++i) {
      Segment segment = segment_at(i);
      const auto visitor = [this](const ScanState&, const records::BatchView& batch) {
        remember_epoch(batch);
        return true;
      };
      const bool last = i + 1 == bases_.size();
      Result<RecoveredSegment> recovered = last ? recover_last_segment(recovery, segment, visitor)
                                                : recover_finished_segment(recovery, segment, bases_[i + 1], visitor);
      if (!recovered) return recovered.error();
      log_.scanned_bytes += recovered->scanned_bytes;
      log_.put_aside_bytes += recovered->put_aside_bytes;
      if (last && segment.size > 0) segment.first_append_ms = clock_.now_ms();
      log_.segments.push_back(std::move(segment));
    }
    return {};
  }

  void remember_epoch(const records::BatchView& batch) {
    if (batch.next_offset() <= log_.first) return;
    const Offset from = std::max(batch.base_offset(), log_.first);  // the checkpoint knows of nothing before
    // What it says of later offsets stays: their batches need not be scanned.
    if (batch.leader_epoch() == log_.epochs.at(from)) return;
    log_.epochs.truncate_from(from);
    if (batch.leader_epoch() > log_.epochs.latest()) {
      log_.epochs.assign(batch.leader_epoch(), from);
    } else if (batch.leader_epoch() < log_.epochs.latest()) {
      epochs_known_ = false;  // the checkpoint is of another history than the batches
    }
  }

  // The end, and what lies beyond it of the state beside the batches.
  Result<void> settle_offsets() {
    if (!log_.segments.empty()) log_.next = log_.segments.back().next;
    if (log_.next < log_.first) {  // the start was raised to an end that did not reach the disk
      for (const Segment& segment : log_.segments) log_.obsolete_segments.push_back(segment.base);
      log_.segments.clear();
      log_.next = log_.first;
    }
    log_.epochs.truncate_from(log_.next);
    if (Result<void> done = drop_later_snapshots(log_.next); !done) return done;
    epochs_known_ = epochs_known_ && checkpoint_.has_value();
    return {};
  }

  bool load_producers(Offset next) {
    const Result<std::vector<std::byte>> bytes =
        read_file(disk_, path(next, formats::producers_suffix), producers_bytes_max);
    if (!bytes) return false;
    const Result<Offset> loaded = log_.producers.load(*bytes);
    return loaded && *loaded == next;
  }

  // Those of records that did not reach the disk. Other records may get their offsets.
  Result<void> drop_later_snapshots(Offset next) {
    while (!snapshots_.empty() && snapshots_.back() > next) {
      Result<void> aside = put_aside(disk_, clock_, path(snapshots_.back(), formats::producers_suffix));
      if (!aside) return aside;
      snapshots_.pop_back();
    }
    return {};
  }

  // Producers, from the newest snapshot that can be read; epochs from the first batch on when the checkpoint was no
  // help.
  Result<void> replay() {
    // A snapshot from before the first segment lacks what the segments that are gone said. An outdated sequence would
    // refuse a producer that is right; one that is not known may go on.
    const Offset oldest = log_.segments.empty() ? log_.next : log_.segments.front().base;
    const auto is_usable = [&] { return !snapshots_.empty() && snapshots_.back() >= oldest; };
    while (is_usable() && !load_producers(snapshots_.back())) {
      Result<void> aside = put_aside(disk_, clock_, path(snapshots_.back(), formats::producers_suffix));
      if (!aside) return aside;
      log_.producers.clear();
      snapshots_.pop_back();
    }
    const Offset known = is_usable() ? snapshots_.back() : 0;
    if (!epochs_known_) log_.epochs = LeaderEpochs();
    for (Segment& segment : log_.segments) {
      if (epochs_known_ && segment.next <= known) continue;
      if (Result<void> done = replay_segment(segment, known); !done) return done;
    }
    log_.snapshots = snapshots_;
    return {};
  }

  Result<void> replay_segment(Segment& segment, Offset known) {
    Result<std::unique_ptr<File>> file = disk_.open(segment.file->log_path(), OpenMode::read);
    if (!file) return file.error();
    ScanState state;
    state.gaps_below = log_.gaps_below;
    state.next_offset = segment.base;
    if (epochs_known_) {
      for (const Segment::Point& point : segment.points) {
        if (segment.base + point.relative_offset > known) break;
        state.position = point.position;
        state.next_offset = segment.base + point.relative_offset;
      }
    }
    const base::TimestampMs now_ms = clock_.now_ms();
    const Result<ScanEnd> end =
        scan_.run(**file, segment.size, Checks::frames, state, [&](const ScanState&, const records::BatchView& batch) {
          if (!epochs_known_) remember_rebuilt_epoch(batch);
          if (batch.base_offset() >= known) {
            log_.producers.update(batch, batch.base_offset(), now_ms);
          }
          return true;
        });
    if (!end) return end.error();
    if (state.position != segment.size) {
      return Error(ErrorKind::corrupt, segment.file->log_path() + ": " + end->problem + " at position " +
                                           std::to_string(state.position) +
                                           ", where its index says that all is well. Restore this file from a copy");
    }
    return {};
  }

  void remember_rebuilt_epoch(const records::BatchView& batch) {
    if (batch.leader_epoch() > log_.epochs.latest()) log_.epochs.assign(batch.leader_epoch(), batch.base_offset());
  }

  void count_bytes() {
    if (!options_.progress) return;
    for (const Offset base : bases_) {
      const Result<std::unique_ptr<File>> file = disk_.open(path(base, formats::log_suffix), OpenMode::read);
      if (!file) continue;
      if (const Result<std::uint64_t> size = (*file)->size()) bytes_total_ += *size;
    }
  }

  void report(std::uint64_t bytes) {
    bytes_done_ += bytes;
    if (!options_.progress) return;
    const base::Nanoseconds now = clock_.steady();
    if (now - started_ < std::chrono::seconds(1)) return;
    started_ = now;
    options_.progress({directory_, bytes_done_, bytes_total_});
  }

  Disk& disk_;
  const base::Clock& clock_;
  const std::string& directory_;
  const RecoveryOptions& options_;
  BatchScan scan_;

  std::vector<Offset> bases_;
  std::vector<Offset> snapshots_;
  bool has_checkpoint_ = false;
  bool has_cleaner_checkpoint_ = false;
  bool epochs_known_ = true;
  std::optional<Checkpoint> checkpoint_;
  base::Nanoseconds started_;  // or when progress was last told
  std::uint64_t bytes_done_ = 0;
  std::uint64_t bytes_total_ = 0;
  RecoveredLog log_;
};

}  // namespace

Result<RecoveredLog> recover(Disk& disk, const base::Clock& clock, const std::string& directory,
                             const RecoveryOptions& options) {
  return Recovery(disk, clock, directory, options).run();
}

}  // namespace cms::storage
