// SPDX-License-Identifier: Apache-2.0
// Reads a segment's batches in order and stops at the first thing that is not the next batch.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "records/batch.h"
#include "storage/disk.h"

namespace cms::storage {

// What is known at a batch boundary of a segment: where it is, and of all batches before it in the segment.
struct ScanState {
  std::uint64_t position = 0;
  records::Offset next_offset = 0;
  records::LeaderEpoch epoch = records::no_leader_epoch;  // the last one seen; the next may not be below
  records::TimestampMs largest_timestamp = records::no_timestamp;
  std::uint32_t frames_crc = 0;
  // Below this offset compaction may have left gaps between batches; from it on the next batch begins where the last
  // one ended.
  records::Offset gaps_below = 0;
};

struct ScanEnd {
  enum class Reason {
    end,      // of the file, at a batch boundary
    zeros,    // a header's worth of zeros (or less, up to the end of the file): nothing was written here
    bad,      // anything else; `problem` says what
    stopped,  // by the visitor
  };
  Reason reason = Reason::end;
  std::string problem;
};

enum class Checks {
  all,     // framing, offsets that go on, epochs that never fall, checksum
  frames,  // all but the checksum: for what an index entry vouches for
};

class BatchScan {
 public:
  // Told the state before the batch and where it lies in memory, for the call only; false stops before it.
  using Visitor = std::function<bool(const ScanState& before, const records::BatchView& batch)>;
  // Told of bytes as they are read.
  using Progress = std::function<void(std::uint64_t bytes)>;

  // Small enough to stay in the cache between reading and checking.
  static constexpr std::size_t buffer_bytes_default = 512u << 10;

  explicit BatchScan(Progress progress = nullptr, std::size_t buffer_bytes = buffer_bytes_default)
      : progress_(std::move(progress)), buffer_bytes_(buffer_bytes) {}

  // Moves `state` over the batches of file[state.position, end). Error: reading failed.
  base::Result<ScanEnd> run(File& file, std::uint64_t end, Checks checks, ScanState& state, const Visitor& visitor);

 private:
  base::Result<base::ByteSpan> window(File& file, std::uint64_t end, std::uint64_t position, std::size_t bytes);

  Progress progress_;
  const std::size_t buffer_bytes_;
  std::vector<std::byte> buffer_;
  std::uint64_t buffer_position_ = 0;
  std::size_t buffered_ = 0;
};

// Whether nothing but zeros lies in file[from, end); tells where the last other byte ends.
base::Result<std::uint64_t> end_of_data(File& file, std::uint64_t from, std::uint64_t end);

}  // namespace cms::storage
