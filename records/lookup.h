// SPDX-License-Identifier: Apache-2.0
// Finding records of a batch by time, for ListOffsets.
#pragma once

#include "base/result.h"
#include "records/batch.h"

namespace cms::records {

class RecordReader;

struct TimedOffset {
  Offset offset = -1;
  TimestampMs timestamp = no_timestamp;

  bool operator==(const TimedOffset&) const = default;
};

// Records from the first offset on, and before the second one: what the log still holds, and what may be seen.
struct OffsetRange {
  Offset first = 0;
  Offset end = std::numeric_limits<Offset>::max();
};

// The first record in the range whose timestamp is `wanted` or later. Looks into the records only when the header
// leaves room for one. `reader` lends its buffers. The error is the batch's: it cannot be read.
base::Result<std::optional<TimedOffset>> find_time(const BatchView& batch, TimestampMs wanted, OffsetRange range,
                                                   RecordReader& reader);

// The first record in the range with the greatest timestamp; none when no record in it has a timestamp.
base::Result<std::optional<TimedOffset>> find_max_time(const BatchView& batch, OffsetRange range, RecordReader& reader);

}  // namespace cms::records
