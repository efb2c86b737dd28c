// SPDX-License-Identifier: Apache-2.0
#include "storage/partition_check.h"

#include <algorithm>
#include <optional>

#include "storage/batch_scan.h"
#include "storage/checkpoint.h"
#include "storage/formats.h"
#include "storage/producers.h"
#include "storage/segment_compaction.h"
#include "storage/segment_index.h"

namespace cms::storage {

namespace {

using base::Result;
using records::Offset;

constexpr std::size_t producers_bytes_max = 1u << 30;

class PartitionCheck {
 public:
  PartitionCheck(Disk& disk, const std::string& directory) : disk_(disk), directory_(directory) {}

  Result<PartitionReport> run() {
    if (Result<void> listed = list(); !listed) return listed.error();
    load_checkpoints();
    report_.segments = bases_.size();
    report_.first = checkpoint_ ? checkpoint_->log_start : bases_.empty() ? 0 : bases_.front();
    report_.end = checkpoint_ ? std::max(checkpoint_->log_start, checkpoint_->next_offset) : report_.first;
    for (std::size_t i = 0; i < bases_.size(); ++i) check_segment(i);
    if (!bases_.empty()) report_.end = std::max(state_.next_offset, report_.first);
    check_producers();
    return std::move(report_);
  }

 private:
  static std::string at(std::uint64_t position) { return " at position " + std::to_string(position); }

  std::string path(Offset offset, std::string_view suffix) const {
    return directory_ + "/" + formats::offset_name(offset, suffix);
  }

  Result<void> list() {
    const Result<std::vector<std::string>> names = disk_.list(directory_);
    if (!names) return names.error();
    for (const std::string& name : *names) {
      if (const auto base = formats::offset_of_name(name, formats::log_suffix)) bases_.push_back(*base);
      if (const auto next = formats::offset_of_name(name, formats::producers_suffix)) snapshots_.push_back(*next);
      if (name.find(".corrupt-") != std::string::npos) report_.notes.push_back(name + " was put aside by a start");
      if (name.ends_with(std::string(formats::log_suffix) + std::string(formats::swap_stage))) {
        is_settling_ = true;
        report_.notes.push_back(name +
                                " is a compaction that the next start completes; what it replaces may have gone");
      }
    }
    std::sort(bases_.begin(), bases_.end());
    std::sort(snapshots_.begin(), snapshots_.end());
    return {};
  }

  // nullopt: there is none, or a note says what is wrong with it.
  template <typename Content>
  std::optional<Content> load(std::string_view name, std::size_t bytes_max) {
    const std::string file = directory_ + "/" + std::string(name);
    if (!disk_.exists(file)) return std::nullopt;
    const Result<std::vector<std::byte>> bytes = read_file(disk_, file, bytes_max);
    Result<Content> content = bytes ? Content::decode(*bytes) : bytes.error();
    if (content) return std::move(*content);
    report_.notes.push_back(std::string(name) + " is damaged (" + content.error().message() +
                            "); the next start does without");
    return std::nullopt;
  }

  void load_checkpoints() {
    checkpoint_ = load<Checkpoint>(formats::checkpoint_name, formats::checkpoint::bytes_max);
    report_.closed = checkpoint_ && checkpoint_->clean;
    if (const auto cleaner = load<CleanerCheckpoint>(formats::cleaner_checkpoint_name, 4096)) {
      state_.gaps_below = cleaner->gaps_below;
    }
    if (!report_.closed) return;
    bool matches = checkpoint_->segments.size() == bases_.size();
    for (std::size_t i = 0; matches && i < bases_.size(); ++i) matches = checkpoint_->segments[i].base == bases_[i];
    if (matches) return;
    report_.closed = false;
    report_.problems.push_back("partition.checkpoint says closed cleanly with " +
                               std::to_string(checkpoint_->segments.size()) + " segment(s), but there are " +
                               std::to_string(bases_.size()));
  }

  void check_segment(std::size_t i) {
    const Offset base = bases_[i];
    const std::string name = path(base, formats::log_suffix);
    const bool last = i + 1 == bases_.size();
    if (i > 0 && state_.next_offset != base) {
      auto& where = is_settling_ ? report_.notes : report_.problems;
      where.push_back(name + ": offsets " + std::to_string(state_.next_offset) + " to " + std::to_string(base - 1) +
                      " are missing before it");
    }
    state_.position = 0;
    state_.next_offset = base;
    state_.largest_timestamp = records::no_timestamp;
    state_.frames_crc = 0;
    const Result<std::unique_ptr<File>> file = disk_.open(name, OpenMode::read);
    const Result<std::uint64_t> size = file ? (*file)->size() : file.error();
    if (!size) return report_.problems.push_back(size.error().message());
    // Also entries beyond the end are wanted: they tell what is missing.
    const Result<LoadedIndex> index =
        load_index(disk_, path(base, formats::index_suffix), base, formats::segment_bytes_max);
    if (!index) report_.problems.push_back(index.error().message());
    scan(**file, *size, index ? *index : LoadedIndex{}, base);
    judge_end(**file, *size, name, last);
    if (index) judge_index(*index, *size, base, !last || report_.closed);
    report_.bytes += state_.position;
  }

  void scan(File& file, std::uint64_t size, const LoadedIndex& index, Offset base) {
    next_entry_ = 0;
    const auto compare = [&](const ScanState& state) {
      for (; next_entry_ < index.entries.size() && index.entries[next_entry_].position <= state.position;
           ++next_entry_) {
        compare_entry(index.entries[next_entry_], state, base);
      }
    };
    Result<ScanEnd> end =
        scan_.run(file, size, Checks::all, state_, [&](const ScanState& before, const records::BatchView& batch) {
          compare(before);
          ++report_.batches;
          report_.records += static_cast<std::uint64_t>(std::max(batch.record_count(), 0));
          return true;
        });
    compare(state_);
    end_ = end ? std::move(*end) : ScanEnd{ScanEnd::Reason::bad, end.error().message()};
  }

  void compare_entry(const IndexEntry& entry, const ScanState& state, Offset base) {
    std::string what;
    if (entry.position != state.position) {
      what = "leads into the middle of a batch";
    } else if (base + entry.relative_offset != state.next_offset) {
      what = "says offset " + std::to_string(base + entry.relative_offset) + " where " +
             std::to_string(state.next_offset) + " begins";
    } else if (entry.frames_crc != state.frames_crc) {
      what = "was written for other offsets, lengths or epochs than the batches before it have now";
    } else if (entry.largest_timestamp != state.largest_timestamp) {
      what = "has another largest timestamp than the batches before it";
    } else {
      return;
    }
    report_.problems.push_back(path(base, formats::index_suffix) + ": the entry for position " +
                               std::to_string(entry.position) + " " + what);
  }

  void judge_end(File& file, std::uint64_t size, const std::string& name, bool last) {
    if (state_.position == size) return;
    const Result<std::uint64_t> data_end = end_of_data(file, state_.position, size);
    if (!data_end) return report_.problems.push_back(name + ": " + data_end.error().message());
    if (*data_end <= state_.position) {
      if (!last || report_.closed) report_.notes.push_back(name + ": zeros" + at(state_.position));
      return;
    }
    const std::string why = end_.problem.empty() ? "bytes behind zeros" : end_.problem;
    if (last && !report_.closed) {
      report_.notes.push_back(name + ": " + why + at(state_.position) +
                              ", the end of what a crash has left; the next "
                              "start puts " +
                              std::to_string(*data_end - state_.position) + " bytes aside");
    } else {
      report_.problems.push_back(name + ": " + why + at(state_.position) + ", from offset " +
                                 std::to_string(state_.next_offset) + " on");
    }
  }

  void judge_index(const LoadedIndex& index, std::uint64_t size, Offset base, bool finished) {
    const std::string name = path(base, formats::index_suffix);
    const std::uint64_t vouched = index.entries.empty() ? 0 : index.entries.back().position;
    if (vouched > state_.position) {
      report_.problems.push_back(name + ": vouches for synced batches up to position " + std::to_string(vouched) +
                                 ", but whole ones end at " + std::to_string(state_.position));
    }
    if (!finished || size == 0) return;
    if (index.header_checksum == 0) {
      report_.notes.push_back(name + ": missing, or its header is damaged; made again when it is needed");
    } else if (index.damaged) {
      report_.notes.push_back(name + ": damaged behind entry " + std::to_string(index.entries.size()) +
                              "; made again when it is needed");
    }
  }

  void check_producers() {
    for (const Offset next : snapshots_) {
      const std::string file = path(next, formats::producers_suffix);
      const Result<std::vector<std::byte>> bytes = read_file(disk_, file, producers_bytes_max);
      ProducerStates states;
      const Result<Offset> loaded = bytes ? states.load(*bytes) : bytes.error();
      if (!loaded || *loaded != next) {
        report_.notes.push_back(file + ": damaged; the next start replays the batches instead");
      }
    }
  }

  Disk& disk_;
  const std::string& directory_;
  BatchScan scan_;

  PartitionReport report_;
  std::vector<Offset> bases_;
  std::vector<Offset> snapshots_;
  std::optional<Checkpoint> checkpoint_;
  bool is_settling_ = false;

  // Of the segment that is looked at; the epoch goes on from one to the next.
  ScanState state_;
  ScanEnd end_;
  std::size_t next_entry_ = 0;
};

}  // namespace

Result<PartitionReport> check_partition(Disk& disk, const std::string& directory) {
  return PartitionCheck(disk, directory).run();
}

}  // namespace cms::storage
