// SPDX-License-Identifier: Apache-2.0
// One flush of a segmented log: what was appended goes to its segments in order, each finished before the next begins.
//
//   per segment:  prepare?  ->  write [sync]  ->  finish?
//                 open, make    straight from     sync, truncate,
//                 the file      the arena         last index entry
//
// The log describes the work under the partition's lock; from start() to the completion this object belongs to the
// queue's thread and touches nothing of the log's. In steady state a flush is one write with its sync: no allocation,
// no blocking work. Only the last, partly filled block is copied: memory that an append may be changing is never handed
// to the disk.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/io_queue.h"
#include "storage/open_files.h"
#include "storage/partition_files.h"
#include "storage/segment.h"
#include "storage/tail.h"

namespace cms::storage {

class SegmentFlush final : private IoCompletion {
 public:
  struct Part {
    std::shared_ptr<SegmentFile> segment;
    records::Offset base = 0;
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    bool create = false;  // the file has never been written
    bool sync = false;
    bool finish = false;  // nothing comes after `to`
    std::uint64_t index_position = 0;

    // Filled by add_range() and index_bytes().
    std::size_t ranges_begin = 0, ranges_end = 0;
    std::size_t index_begin = 0, index_end = 0;
  };

  // Both outlive the flush.
  SegmentFlush(OpenFiles& files, PartitionFiles& partition);

  // --- Under the partition's lock, while none is under way. In the order of the log.
  void begin();
  void checkpoint_first(std::vector<std::byte> content, std::uint64_t sequence);
  void add_part(Part part);
  void add_range(const Tail::Extent& extent, std::uint64_t from, std::uint64_t to);  // of the last part
  std::vector<std::byte>& index_bytes();  // entries for the last part are appended to it, then:
  void index_added();
  void start(IoQueue& queue, IoCompletion& done);

  bool under_way() const { return under_way_; }
  void end() { under_way_ = false; }  // by finish_flush(), after `done` was told
  std::size_t memory_bytes() const;

 private:
  // A run of the file that lies in memory; `memory` is where `from`'s block begins.
  struct Range {
    std::shared_ptr<Chunk> chunk;
    std::byte* memory;
    std::uint64_t from, to;
    std::uint32_t head_missing;
  };
  enum class Step { prepare, write, finish };

  // The data's completion; the index's is beside it.
  void completed(base::Result<std::size_t> bytes) noexcept override;
  struct IndexDone final : IoCompletion {
    explicit IndexDone(SegmentFlush& owner) : flush(owner) {}
    void completed(base::Result<std::size_t> bytes) noexcept override;
    SegmentFlush& flush;
  };

  void advance();
  bool must_prepare(const Part& part);
  base::Result<void> prepare(const Part& part);
  base::Result<void> open_log(const Part& part);
  base::Result<void> open_index(const Part& part);
  base::Result<void> read_heads(const Part& part);
  void collect_pieces(const Part& part);
  void write_pieces(const Part& part);
  void write_index_beside(const Part& part);
  base::Result<void> finish(const Part& part);
  void tell();

  OpenFiles& files_;
  PartitionFiles& partition_;

  // Described under the lock, read by the queue's thread.
  std::vector<Part> parts_;
  std::vector<Range> ranges_;
  std::vector<std::byte> index_bytes_;
  std::vector<std::byte> checkpoint_;
  std::uint64_t checkpoint_sequence_ = 0;
  bool under_way_ = false;

  // The queue's thread.
  IoQueue* queue_ = nullptr;
  IoCompletion* done_ = nullptr;
  std::size_t part_ = 0;
  Step step_ = Step::prepare;
  std::shared_ptr<File> file_;
  std::shared_ptr<File> index_file_;
  std::vector<base::ByteSpan> pieces_;
  std::size_t pieces_written_ = 0;
  std::uint64_t write_position_ = 0;
  std::size_t bytes_ = 0;
  std::size_t outstanding_ = 0;
  std::optional<base::Error> failure_;
  std::unique_ptr<std::byte[], void (*)(std::byte*)> block_;  // the copy of the last block; aligned
  IndexDone index_done_;
};

}  // namespace cms::storage
