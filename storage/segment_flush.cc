// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_flush.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/log.h"

namespace cms::storage {

using base::ByteSpan;
using base::Result;

namespace {

constexpr std::uint64_t first_ahead_bytes = 64u << 10;

constexpr std::uint64_t block_down(std::uint64_t position) { return position / disk_block_bytes * disk_block_bytes; }
constexpr std::uint64_t block_up(std::uint64_t position) { return block_down(position + disk_block_bytes - 1); }

void free_block(std::byte* block) { std::free(block); }

}  // namespace

SegmentFlush::SegmentFlush(OpenFiles& files, PartitionFiles& partition)
    : files_(files), partition_(partition), block_(nullptr, free_block), index_done_(*this) {}

std::size_t SegmentFlush::memory_bytes() const {
  return sizeof(*this) + parts_.capacity() * sizeof(Part) + ranges_.capacity() * sizeof(Range) +
         index_bytes_.capacity() + pieces_.capacity() * sizeof(ByteSpan) + (block_ ? disk_block_bytes : 0);
}

void SegmentFlush::begin() {
  CHECK(!under_way_);
  parts_.clear();
  ranges_.clear();
  index_bytes_.clear();
  checkpoint_.clear();
}

void SegmentFlush::checkpoint_first(std::vector<std::byte> content, std::uint64_t sequence) {
  checkpoint_ = std::move(content);
  checkpoint_sequence_ = sequence;
}

void SegmentFlush::add_part(Part part) {
  part.ranges_begin = part.ranges_end = ranges_.size();
  part.index_begin = part.index_end = index_bytes_.size();
  parts_.push_back(std::move(part));
}

void SegmentFlush::add_range(const Tail::Extent& extent, std::uint64_t from, std::uint64_t to) {
  CHECK(from >= extent.file_position && to <= extent.file_end());
  std::byte* const at = extent.chunk->data() + extent.begin;  // of file_position
  const std::uint64_t block = block_down(from);
  std::byte* const memory = at - (extent.file_position % disk_block_bytes) + (block - block_down(extent.file_position));
  const bool in_first_block = block == block_down(extent.file_position);
  ranges_.push_back({extent.chunk, memory, from, to, in_first_block ? extent.head_missing : 0});
  parts_.back().ranges_end = ranges_.size();
}

std::vector<std::byte>& SegmentFlush::index_bytes() { return index_bytes_; }
void SegmentFlush::index_added() { parts_.back().index_end = index_bytes_.size(); }

void SegmentFlush::start(IoQueue& queue, IoCompletion& done) {
  CHECK(!parts_.empty());
  under_way_ = true;
  queue_ = &queue;
  done_ = &done;
  part_ = 0;
  step_ = Step::prepare;
  bytes_ = 0;
  failure_.reset();
  advance();
}

void SegmentFlush::completed(Result<std::size_t> bytes) noexcept {
  --outstanding_;
  if (!bytes && !failure_) failure_ = bytes.error();
  if (outstanding_ == 0) advance();
}

// What the index lacks is found again by scanning: not worth a log that refuses records.
void SegmentFlush::IndexDone::completed(Result<std::size_t> bytes) noexcept {
  if (!bytes) base::log_warning("could not write index entries", "reason", bytes.error().message());
  if (--flush.outstanding_ == 0) flush.advance();
}

void SegmentFlush::advance() {
  while (!failure_ && part_ < parts_.size()) {
    const Part& part = parts_[part_];
    switch (step_) {
      case Step::prepare:
        step_ = Step::write;
        pieces_.clear();
        pieces_written_ = 0;
        file_ = files_.find(part.segment->log_path(), OpenFiles::Use::writing);
        index_file_.reset();
        if (must_prepare(part)) {
          ++outstanding_;
          queue_->run(
              [this]() -> Result<std::size_t> {
                Result<void> prepared = prepare(parts_[part_]);
                return prepared ? Result<std::size_t>(std::size_t{0}) : prepared.error();
              },
              *this);
          return;
        }
        break;
      case Step::write:
        if (pieces_.empty()) collect_pieces(part);
        if (pieces_written_ < pieces_.size()) {
          write_pieces(part);
          return;
        }
        step_ = Step::finish;
        bytes_ += part.to - part.from;
        if (part.to > part.segment->allocated()) part.segment->set_allocated(block_up(part.to));
        break;
      case Step::finish:
        step_ = Step::prepare;
        if (part.finish || (part.sync && pieces_.empty())) {
          ++outstanding_;
          // Before run(): another thread may be at it when that returns.
          const std::size_t finished_part = part_++;
          queue_->run(
              [this, finished_part]() -> Result<std::size_t> {
                Result<void> finished = finish(parts_[finished_part]);
                return finished ? Result<std::size_t>(std::size_t{0}) : finished.error();
              },
              *this);
          return;
        }
        ++part_;
        break;
    }
  }
  tell();
}

void SegmentFlush::tell() {
  file_.reset();
  index_file_.reset();
  for (Range& range : ranges_) range.chunk.reset();
  IoCompletion& done = *done_;
  done.completed(failure_ ? Result<std::size_t>(*failure_) : Result<std::size_t>(bytes_));
}

bool SegmentFlush::must_prepare(const Part& part) {
  if (!checkpoint_.empty() || !file_) return true;
  if (part.index_end > part.index_begin) {
    index_file_ = files_.find(part.segment->index_path(), OpenFiles::Use::writing);
    if (!index_file_) return true;
  }
  for (std::size_t i = part.ranges_begin; i < part.ranges_end; ++i) {
    if (ranges_[i].head_missing > 0) return true;
  }
  // Zeros must not be written over what this flush writes, nor behind where it cuts the file.
  return (block_up(part.to) > part.segment->allocated() || part.finish) && part.segment->call_off();
}

Result<void> SegmentFlush::prepare(const Part& part) {
  if (!file_ || !checkpoint_.empty()) {
    if (Result<void> made = partition_.make_directory(); !made) return made;
  }
  if (!checkpoint_.empty()) {
    if (Result<void> written = partition_.write_checkpoint(checkpoint_, checkpoint_sequence_); !written) return written;
    checkpoint_.clear();
  }
  if (!file_) {
    if (Result<void> opened = open_log(part); !opened) return opened;
  }
  if (part.index_end > part.index_begin && !index_file_) {
    if (Result<void> opened = open_index(part); !opened) return opened;
  }
  if (Result<void> read = read_heads(part); !read) return read;
  if ((block_up(part.to) > part.segment->allocated() || part.finish) && part.segment->call_off()) {
    part.segment->wait_until_off();
  }
  return {};
}

Result<void> SegmentFlush::open_log(const Part& part) {
  const bool create = part.create;
  Result<std::shared_ptr<File>> file = files_.open(part.segment->log_path(), OpenFiles::Use::writing,
                                                   create ? OpenMode::create_direct : OpenMode::write_direct);
  if (!file) return file.error();
  file_ = std::move(*file);
  const Result<std::uint64_t> size = file_->size();
  if (!size) return size.error();
  part.segment->set_allocated(std::max(part.segment->allocated(), block_up(*size)));
  if (!create) return {};
  if (Result<void> synced = files_.disk().sync_directory(partition_.directory()); !synced) return synced;
  if (part.to > first_ahead_bytes || !part.segment->plan_ahead()) return {};
  return part.segment->write_ahead(*file_, first_ahead_bytes);
}

Result<void> SegmentFlush::open_index(const Part& part) {
  Result<std::shared_ptr<File>> file =
      files_.open(part.segment->index_path(), OpenFiles::Use::writing, OpenMode::create);
  if (!file) return file.error();
  index_file_ = std::move(*file);
  if (part.index_position > formats::index::header_size) return {};
  return index_file_->write_at(0, IndexHeader{part.base}.encode());
}

// The beginning of a block that was written before the process started, or before its memory was let go.
Result<void> SegmentFlush::read_heads(const Part& part) {
  for (std::size_t i = part.ranges_begin; i < part.ranges_end; ++i) {
    Range& range = ranges_[i];
    if (range.head_missing == 0) continue;
    Result<std::shared_ptr<File>> file = files_.open(part.segment->log_path(), OpenFiles::Use::reading, OpenMode::read);
    if (!file) return file.error();
    const Result<std::size_t> got = (*file)->read_at(block_down(range.from), {range.memory, range.head_missing});
    if (!got) return got.error();
    if (*got != range.head_missing) {
      return base::Error(base::ErrorKind::corrupt, part.segment->log_path() + " is shorter than it was");
    }
    range.head_missing = 0;
  }
  return {};
}

void SegmentFlush::collect_pieces(const Part& part) {
  if (part.ranges_begin == part.ranges_end) return;
  const bool direct = file_->direct();
  const Range& last = ranges_[part.ranges_end - 1];
  for (std::size_t i = part.ranges_begin; i < part.ranges_end; ++i) {
    const Range& range = ranges_[i];
    const std::uint64_t block = block_down(range.from);
    const std::uint64_t from = direct ? block : range.from;
    const std::uint64_t to = direct ? block_down(range.to) : range.to;  // the next range has the rest of the block
    if (to > from) pieces_.push_back({range.memory + (from - block), to - from});
  }
  write_position_ = direct ? block_down(ranges_[part.ranges_begin].from) : ranges_[part.ranges_begin].from;
  const std::size_t rest = direct ? last.to % disk_block_bytes : 0;
  if (rest == 0) return;
  if (!block_) block_.reset(static_cast<std::byte*>(std::aligned_alloc(disk_block_bytes, disk_block_bytes)));
  CHECK(block_ != nullptr);
  std::memcpy(block_.get(), last.memory + (block_down(last.to) - block_down(last.from)), rest);
  std::memset(block_.get() + rest, 0, disk_block_bytes - rest);
  pieces_.push_back({block_.get(), disk_block_bytes});
}

void SegmentFlush::write_pieces(const Part& part) {
  const std::size_t count = std::min(IoQueue::pieces_max, pieces_.size() - pieces_written_);
  const std::span<const ByteSpan> pieces(pieces_.data() + pieces_written_, count);
  pieces_written_ += count;
  const bool last = pieces_written_ == pieces_.size();
  const std::uint64_t position = write_position_;
  for (const ByteSpan& piece : pieces) write_position_ += piece.size();
  outstanding_ += last && index_file_ && !part.finish ? 2 : 1;
  if (last && index_file_ && !part.finish) write_index_beside(part);
  queue_->write(*file_, position, pieces, last && (part.sync || part.finish), *this);
}

// The entries speak of what earlier flushes have synced, so that they need not wait for this one.
void SegmentFlush::write_index_beside(const Part& part) {
  const ByteSpan bytes = ByteSpan(index_bytes_).subspan(part.index_begin, part.index_end - part.index_begin);
  queue_->write(*index_file_, part.index_position, {&bytes, 1}, false, index_done_);
}

Result<void> SegmentFlush::finish(const Part& part) {
  if (pieces_.empty()) {  // nothing was written now, but perhaps not synced before
    if (Result<void> synced = file_->sync(); !synced) return synced;
  }
  if (!part.finish) return {};
  const Result<std::uint64_t> size = file_->size();
  if (!size) return size.error();
  if (*size > part.to) {
    if (Result<void> cut = file_->truncate(part.to); !cut) return cut;
  }
  if (index_file_) {
    const ByteSpan bytes = ByteSpan(index_bytes_).subspan(part.index_begin, part.index_end - part.index_begin);
    Result<void> written = index_file_->write_at(part.index_position, bytes);
    if (!written) base::log_warning("could not write index entries", "reason", written.error().message());
  }
  files_.forget(part.segment->log_path());
  files_.forget(part.segment->index_path());
  return {};
}

}  // namespace cms::storage
