// SPDX-License-Identifier: Apache-2.0
// Batches of records with keys, and logs read back record by record, for the tests of compaction.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "records/build.h"
#include "records/iterate.h"
#include "storage/log.h"

namespace cms::storage::test {

struct Keyed {
  std::optional<std::string> key;
  std::optional<std::string> value;  // none: a tombstone
  records::TimestampMs timestamp_ms = 1000;
};

struct ReadRecord {
  Offset offset = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  records::TimestampMs timestamp_ms = 0;

  bool operator==(const ReadRecord&) const = default;
};

inline std::optional<base::ByteSpan> span_of(const std::optional<std::string>& text) {
  return text ? std::optional(base::as_bytes(*text)) : std::nullopt;
}

inline std::vector<std::byte> keyed_batch(const std::vector<Keyed>& all, const records::BatchOptions& options = {}) {
  records::BatchBuilder builder(options);
  for (const Keyed& one : all) builder.add({one.timestamp_ms, span_of(one.key), span_of(one.value), {}});
  return builder.finish();
}

// Whole batches of [from, end), from memory or files, as a reader meets them. Fails when the log stops giving any.
inline std::vector<std::vector<std::byte>> read_batches(Log& log, Offset from, Offset end,
                                                        std::size_t bytes_max = 10'000) {
  std::vector<std::vector<std::byte>> all;
  while (from < end) {
    std::vector<base::Bytes> slices;
    const LogRead found = log.read(from, end, bytes_max, slices).value();
    if (found.cold) {
      std::vector<std::byte> bytes(found.cold->bytes);
      CHECK(found.cold->file->read_at(found.cold->position, bytes).value() == bytes.size());
      slices.push_back(base::Bytes::copy_of(bytes));
    }
    const Offset before = from;
    for (const base::Bytes& slice : slices) {
      base::ByteSpan rest = slice;
      while (const auto batch = records::BatchView::frame(rest)) {
        rest = rest.subspan(batch->size());
        if (batch->next_offset() <= from) continue;
        if (batch->base_offset() >= end) break;
        all.emplace_back(batch->bytes().begin(), batch->bytes().end());
        from = batch->next_offset();
      }
    }
    CHECK(from > before);  // a reader would wait here for ever
  }
  return all;
}

inline std::vector<ReadRecord> records_in(const std::vector<std::byte>& bytes) {
  std::vector<ReadRecord> all;
  records::RecordReader reader(*records::BatchView::frame(bytes));
  const auto text = [](const std::optional<base::ByteSpan>& span) {
    return span ? std::optional(std::string(base::as_text(*span))) : std::nullopt;
  };
  while (const records::RecordView* record = reader.next()) {
    all.push_back({record->offset, text(record->key), text(record->value), record->timestamp});
  }
  CHECK(reader.status().ok());
  return all;
}

inline std::vector<ReadRecord> read_records(Log& log, Offset from, Offset end) {
  std::vector<ReadRecord> all;
  for (const auto& batch : read_batches(log, from, end)) {
    for (ReadRecord& record : records_in(batch)) {
      if (record.offset >= from && record.offset < end) all.push_back(std::move(record));
    }
  }
  return all;
}

struct CompactOptions {
  base::TimestampMs now_ms = 0;
  std::int64_t delete_retention_ms = 1000;
  std::size_t map_bytes_max = 1u << 20;
  std::function<bool(std::size_t)> pace = {};
};

// One run over all that may be compacted. No run: nothing is dirty.
inline base::Result<CompactionStats> compact_all(Log& log, const CompactOptions& options) {
  const DirtyRange range = log.dirty_range({.below = log.durable_end(), .now_ms = options.now_ms});
  const auto job = log.start_compaction(range, 256u << 10, [](const std::function<void()>& work) { work(); });
  if (job == nullptr) return CompactionStats{};
  CompactionSettings settings;
  settings.now_ms = options.now_ms;
  settings.delete_retention_ms = options.delete_retention_ms;
  settings.map_bytes_max = options.map_bytes_max;
  settings.hash_seed = 7;
  settings.pace = options.pace;
  return compact(*job, settings);
}

}  // namespace cms::storage::test
