// SPDX-License-Identifier: Apache-2.0
// What a log must hold after a loss of power, for the crash tests: everything that was acknowledged, nothing that was
// not appended, in order, with the states beside the records that belong to exactly these.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/log.h"
#include "storage/test_batches.h"

namespace cms::storage::test {

struct AppendedBatch {
  Offset base = 0;
  Offset next = 0;
  LeaderEpoch epoch = 0;
  BatchSpec spec;
  std::shared_ptr<const std::vector<std::byte>> bytes;  // as they must be read
};

class CrashModel {
 public:
  using Wrong = std::optional<std::string>;

  Offset acknowledged = 0;   // all below was told to be durable
  Offset first_told = 0;     // the log's start that somebody was told
  Offset first_at_most = 0;  // as far as the start may have got

  Offset next() const { return appended_.empty() ? 0 : appended_.back().next; }
  std::size_t size() const { return appended_.size(); }

  void add(const BatchSpec& spec, const std::vector<std::byte>& sent, Offset base, LeaderEpoch epoch) {
    auto stored = std::make_shared<std::vector<std::byte>>(sent);
    records::set_base_offset(*stored, base);
    records::set_leader_epoch(*stored, epoch);
    appended_.push_back({base, base + spec.records, epoch, spec, std::move(stored)});
  }

  // What a restart has not found is as if it had never been.
  void forget_from(Offset next) {
    while (!appended_.empty() && appended_.back().next > next) appended_.pop_back();
  }

  // The batch of a producer with the highest offset below `below`.
  const AppendedBatch* last_of(records::ProducerId producer, Offset below) const {
    for (auto batch = appended_.rbegin(); batch != appended_.rend(); ++batch) {
      if (batch->next <= below && batch->spec.producer_id == producer) return &*batch;
    }
    return nullptr;
  }

  // Everything that can be asked of `log`; what is wrong, or nothing.
  Wrong check(Log& log) const {
    const Offset first = log.first_offset();
    const Offset end = log.next_offset();
    if (end < acknowledged) return wrong("acknowledged records are lost: the log ends at", end, "not", acknowledged);
    if (end > next()) return wrong("records are invented: the log ends at", end, "not", next());
    if (first < first_told) return wrong("the start fell to", first, "from", first_told);
    if (first > std::max(first_at_most, first_told)) return wrong("the start is", first, "above", first_at_most);
    if (Wrong found = check_records(log, first, end)) return found;
    if (Wrong found = check_epochs(log, first, end)) return found;
    return check_producers(log, first, end);
  }

  Wrong check_time(Log& log, base::TimestampMs time_ms) const {
    const Offset first = log.first_offset();
    const Offset end = log.next_offset();
    const auto found = log.batch_at_time(time_ms, first, end, run_alone);
    if (!found) return found.error().message();
    const auto expected = std::find_if(appended_.begin(), appended_.end(), [&](const AppendedBatch& batch) {
      return batch.next > first && batch.next <= end && batch.spec.timestamp_ms >= time_ms;
    });
    const Offset expected_base = expected == appended_.end() ? -1 : expected->base;
    const auto view = *found ? records::BatchView::frame(**found) : std::nullopt;
    const Offset found_base = view ? view->base_offset() : -1;
    if (found_base == expected_base) return std::nullopt;
    return wrong("looking for a time found", found_base, "not", expected_base);
  }

 private:
  static Wrong wrong(std::string_view what, Offset is, std::string_view word, Offset should) {
    return std::string(what) + " " + std::to_string(is) + " " + std::string(word) + " " + std::to_string(should);
  }

  Wrong check_records(Log& log, Offset first, Offset end) const {
    Offset at = first;
    auto expected = std::find_if(appended_.begin(), appended_.end(),
                                 [&](const AppendedBatch& batch) { return batch.next > first; });
    while (at < end) {
      const Offset before = at;
      std::vector<base::Bytes> slices;
      if (Wrong failed = read(log, at, end, slices)) return failed;
      for (const base::Bytes& slice : slices) {
        base::ByteSpan rest = slice;
        while (const auto batch = records::BatchView::frame(rest)) {
          rest = rest.subspan(batch->size());
          if (batch->next_offset() <= at) continue;  // before what was asked for
          if (batch->base_offset() >= end) break;
          if (!std::ranges::equal(batch->bytes(), *expected->bytes)) {
            return wrong("a batch is not what was appended: read", batch->base_offset(), "for", expected->base);
          }
          at = expected->next;
          ++expected;
        }
      }
      if (at == before) return wrong("nothing can be read at", at, "below", end);
    }
    if (at != end) return wrong("the log ends inside a batch: at", end, "not", at);
    return std::nullopt;
  }

  static Wrong read(Log& log, Offset from, Offset below, std::vector<base::Bytes>& slices) {
    const auto found = log.read(from, below, 64u << 10, slices);
    if (!found) return found.error().message();
    if (!found->cold) return std::nullopt;
    std::vector<std::byte> bytes(found->cold->bytes);
    const auto got = found->cold->file->read_at(found->cold->position, bytes);
    if (!got) return got.error().message();
    slices.push_back(base::Bytes::copy_of(base::ByteSpan(bytes).first(*got)));
    return std::nullopt;
  }

  Wrong check_epochs(Log& log, Offset first, Offset end) const {
    LeaderEpoch last = records::no_leader_epoch;
    for (const AppendedBatch& batch : appended_) {
      if (batch.next <= first || batch.next > end) continue;
      last = batch.epoch;
      const LeaderEpoch found = log.epochs().at(std::max(first, batch.base));
      if (found != batch.epoch) return wrong("the epoch of a record is", found, "not", batch.epoch);
    }
    if (last >= 0 && log.epochs().latest() != last)
      return wrong("the last epoch is", log.epochs().latest(), "not", last);
    return std::nullopt;
  }

  Wrong check_producers(Log& log, Offset first, Offset end) const {
    std::set<records::ProducerId> producers;
    for (const AppendedBatch& batch : appended_) {
      if (batch.spec.producer_id >= 0) producers.insert(batch.spec.producer_id);
    }
    for (const records::ProducerId producer : producers) {
      const AppendedBatch* last = last_of(producer, end);
      if (last != nullptr && last->base < first) {  // its records are deleted: it may be known or not
        if (Wrong found = check_goes_on(log, *last)) return found;
        continue;
      }
      if (Wrong found = check_producer(log, producer, last)) return found;
    }
    return std::nullopt;
  }

  static ProducerStates::Verdict ask(Log& log, BatchSpec spec, std::int32_t ahead) {
    spec.base_sequence = records::advance_sequence(spec.base_sequence, ahead);
    spec.payload_bytes = 0;
    const auto bytes = make_batch(spec);
    return log.producers().check(view_of(bytes));
  }

  static Wrong check_goes_on(Log& log, const AppendedBatch& last) {
    if (std::holds_alternative<ProducerStates::Append>(ask(log, last.spec, last.spec.records))) return std::nullopt;
    return "producer " + std::to_string(last.spec.producer_id) + " cannot go on after " + std::to_string(last.base);
  }

  static Wrong check_producer(Log& log, records::ProducerId producer, const AppendedBatch* last) {
    if (last == nullptr) {
      const BatchSpec any{.producer_id = producer, .producer_epoch = 0, .base_sequence = 1000};
      if (std::holds_alternative<ProducerStates::Append>(ask(log, any, 0))) return std::nullopt;
      return "producer " + std::to_string(producer) + " is known and has no records";
    }
    const auto again = ask(log, last->spec, 0);
    const auto* duplicate = std::get_if<ProducerStates::Duplicate>(&again);
    if (duplicate == nullptr || duplicate->base_offset != last->base) {
      return "the last batch of producer " + std::to_string(producer) + " at " + std::to_string(last->base) +
             " is not known as a duplicate";
    }
    if (Wrong found = check_goes_on(log, *last)) return found;
    if (!std::holds_alternative<ProducerStates::Refused>(ask(log, last->spec, last->spec.records + 1))) {
      return "producer " + std::to_string(producer) + " may leave a gap after " + std::to_string(last->base);
    }
    return std::nullopt;
  }

  std::vector<AppendedBatch> appended_;  // by offset, contiguous
};

}  // namespace cms::storage::test
