// SPDX-License-Identifier: Apache-2.0
#include "records/lookup.h"

#include "records/iterate.h"

namespace cms::records {

using Found = base::Result<std::optional<TimedOffset>>;

Found find_time(const BatchView& batch, TimestampMs wanted, OffsetRange range, RecordReader& reader) {
  if (batch.max_timestamp() < wanted || batch.last_offset() < range.first || batch.base_offset() >= range.end) {
    return std::optional<TimedOffset>();
  }
  reader.open(batch);
  while (const RecordView* record = reader.next()) {
    if (record->offset >= range.end) return std::optional<TimedOffset>();
    if (record->timestamp >= wanted && record->offset >= range.first) {
      return std::optional<TimedOffset>({record->offset, record->timestamp});
    }
  }
  if (!reader.status()) return reader.status().error();
  return std::optional<TimedOffset>();
}

Found find_max_time(const BatchView& batch, OffsetRange range, RecordReader& reader) {
  std::optional<TimedOffset> found;
  if (batch.max_timestamp() <= no_timestamp || batch.last_offset() < range.first || batch.base_offset() >= range.end) {
    return found;
  }
  reader.open(batch);
  while (const RecordView* record = reader.next()) {
    if (record->offset >= range.end) return found;
    if (record->offset < range.first || record->timestamp <= (found ? found->timestamp : no_timestamp)) continue;
    found = {record->offset, record->timestamp};
    if (record->timestamp == batch.max_timestamp()) return found;  // nothing later can be greater
  }
  if (!reader.status()) return reader.status().error();
  return found;
}

}  // namespace cms::records
