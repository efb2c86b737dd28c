// SPDX-License-Identifier: Apache-2.0
// A partition's checkpoint: what must survive beside its segments, and after a clean close all that the next open
// needs, in one small file. Layout: storage/formats.h.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "records/batch.h"
#include "storage/formats.h"
#include "storage/leader_epochs.h"

namespace cms::storage {

struct Checkpoint {
  struct SegmentSummary {
    records::Offset base = 0;
    std::uint64_t size = 0;
    records::TimestampMs largest_timestamp = records::no_timestamp;
  };

  records::Offset log_start = 0;
  LeaderEpochs epochs;

  // Only what follows a clean close.
  bool clean = false;
  bool has_producers = false;
  records::Offset next_offset = 0;
  std::vector<SegmentSummary> segments;
  std::uint32_t frames_crc = 0;  // of the last segment, as are these
  std::uint32_t index_entries = 0;
  records::TimestampMs last_append_ms = records::no_timestamp;
  records::TimestampMs first_append_ms = records::no_timestamp;

  std::vector<std::byte> encode() const;
  static base::Result<Checkpoint> decode(base::ByteSpan bytes);  // error: corrupt
};

}  // namespace cms::storage
