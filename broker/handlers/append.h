// SPDX-License-Identifier: Apache-2.0
// One batch as a client sent it, into a partition's log: validated where it lies, changed where the topic's
// configuration says so, appended. What Produce and puts over a channel share.
//
// The data path: nothing is allocated where nothing is wrong and nothing has to be rewritten. One per core; the core's
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "broker/topics/topics.h"
#include "records/validate.h"

namespace cms::broker {

struct ProduceMetrics {
  base::Counter& records;
  base::Counter& bytes;
  base::Counter& refused_batches;
};

class BatchAppender {
 public:
  BatchAppender(const base::Clock& clock, ProduceMetrics metrics) : clock_(clock), metrics_(metrics) {}

  struct Asked {
    bool wait_for_all = true;  // acks=-1
    bool zstd_allowed = true;  // the client's version of the protocol knows it
  };

  // `batch` does not change during the call. The topic's partition `index` need not exist.
  AppendOutcome append(Core& core, const Topic& topic, std::int32_t index, base::ByteSpan batch, Asked asked);

  // The same for a batch that its sender can still write to: it is copied first, straight into the log's memory where
  // that can be, and the copy is checked.
  AppendOutcome append_shared(Core& core, const Topic& topic, std::int32_t index, base::ByteSpan shared, Asked asked);

  // Of the last batch, when it was refused for some of its records. Until the next append.
  std::vector<records::RecordFault>& faults() { return validated_.faults; }

  // A batch was refused, here or before it came here.
  void count_refused() { metrics_.refused_batches.add(); }

 private:
  class FillInPlace;

  // A batch is checked under its partition's lock only when that takes no longer than copying it there does: so many
  // records at most, and none compressed.
  static constexpr std::int32_t records_in_place_max = 256;

  // A small one is better checked in memory that the processor has at hand than in the log's next lines.
  static constexpr std::size_t bytes_in_place_min = 4096;

  void count(std::int32_t records, std::size_t bytes);
  bool validate(const EffectiveTopicConfig& config, base::ByteSpan bytes, bool zstd_allowed, AppendOutcome& outcome,
                std::optional<std::uint32_t> crc = std::nullopt);
  bool rewrite(const EffectiveTopicConfig& config, AppendOutcome& outcome);

  const base::Clock& clock_;
  ProduceMetrics metrics_;

  // Scratch, used again by every batch.
  records::Validator validator_;
  records::Validated validated_;
  std::vector<std::byte> rewritten_;
  std::vector<std::byte> copied_;
};

}  // namespace cms::broker
