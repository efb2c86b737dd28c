// SPDX-License-Identifier: Apache-2.0
#include "storage/leader_epochs.h"

#include <algorithm>

#include "storage/checked_bytes.h"

namespace cms::storage {

using base::Result;
using records::LeaderEpoch;
using records::Offset;

namespace {

// The snapshot: magic, entries u32, then each entry, growing: epoch i32, start i64.
constexpr std::uint32_t magic = 0x434d4c45;  // CMLE
constexpr std::size_t entry_bytes = 4 + 8;

}  // namespace

void LeaderEpochs::assign(LeaderEpoch epoch, Offset start) {
  if (!entries_.empty() && entries_.back().epoch == epoch) return;
  CHECK(epoch >= 0 && epoch > latest());
  CHECK(entries_.empty() || start >= entries_.back().start);
  truncate_from(start);  // an epoch that got no record has no place in the history
  entries_.push_back({.epoch = epoch, .start = start});
}

LeaderEpochs::EpochEnd LeaderEpochs::end_of(LeaderEpoch epoch, Offset log_end) const {
  if (epoch < 0 || entries_.empty() || epoch > latest()) return {};
  if (epoch == latest()) return {.epoch = epoch, .end_offset = log_end};
  const auto next = std::upper_bound(entries_.begin(), entries_.end(), epoch,
                                     [](LeaderEpoch asked, const Entry& entry) { return asked < entry.epoch; });
  return {.epoch = next == entries_.begin() ? epoch : (next - 1)->epoch, .end_offset = next->start};
}

LeaderEpoch LeaderEpochs::at(Offset offset) const {
  const auto next = std::upper_bound(entries_.begin(), entries_.end(), offset,
                                     [](Offset asked, const Entry& entry) { return asked < entry.start; });
  return next == entries_.begin() ? records::no_leader_epoch : (next - 1)->epoch;
}

void LeaderEpochs::truncate_from(Offset offset) {
  while (!entries_.empty() && entries_.back().start >= offset) entries_.pop_back();
}

void LeaderEpochs::truncate_before(Offset offset) {
  const auto next = std::upper_bound(entries_.begin(), entries_.end(), offset,
                                     [](Offset asked, const Entry& entry) { return asked < entry.start; });
  if (next == entries_.begin()) return;
  entries_.erase(entries_.begin(), next - 1);
  entries_.front().start = offset;
}

std::vector<std::byte> LeaderEpochs::save() const {
  CheckedWriter writer(magic);
  writer.add(static_cast<std::uint32_t>(entries_.size()));
  for (const Entry& entry : entries_) {
    writer.add(entry.epoch);
    writer.add(entry.start);
  }
  return std::move(writer).finish();
}

Result<void> LeaderEpochs::load(base::ByteSpan bytes) {
  CheckedReader reader(bytes, magic);
  const auto count = reader.take<std::uint32_t>();
  if (!reader.ok() || std::uint64_t{count} * entry_bytes != reader.left()) {
    return CheckedReader::corrupt("leader epochs");
  }
  std::vector<Entry> entries;
  entries.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto epoch = reader.take<LeaderEpoch>();
    const auto start = reader.take<Offset>();
    const bool grows =
        entries.empty() ? epoch >= 0 && start >= 0 : epoch > entries.back().epoch && start > entries.back().start;
    if (!grows) return CheckedReader::corrupt("leader epochs");
    entries.push_back({.epoch = epoch, .start = start});
  }
  entries_ = std::move(entries);
  return {};
}

}  // namespace cms::storage
