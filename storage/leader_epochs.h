// SPDX-License-Identifier: Apache-2.0
// Which leader epoch began at which offset (KIP-101, KIP-279). Not synchronised: the partition's lock covers it.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "records/batch.h"

namespace cms::storage {

class LeaderEpochs {
 public:
  struct EpochEnd {
    records::LeaderEpoch epoch = -1;  // -1, -1: not known
    records::Offset end_offset = -1;
  };

  // `epoch` begins at `start`. Epochs and offsets only grow; the same epoch again changes nothing.
  void assign(records::LeaderEpoch epoch, records::Offset start);

  // OffsetForLeaderEpoch: the largest epoch known that is not above `epoch`, with the offset where the next one begins
  // (`log_end` for the last). Above the last known: -1, -1. Below the first: `epoch` itself and the first start.
  EpochEnd end_of(records::LeaderEpoch epoch, records::Offset log_end) const;

  // The epoch of the record at `offset`; -1 if none is known.
  records::LeaderEpoch at(records::Offset offset) const;
  records::LeaderEpoch latest() const { return entries_.empty() ? -1 : entries_.back().epoch; }

  void truncate_from(records::Offset offset);    // forgets epochs that begin at or behind it
  void truncate_before(records::Offset offset);  // the epoch that holds `offset` then begins there

  std::vector<std::byte> save() const;
  base::Result<void> load(base::ByteSpan bytes);  // replaces everything; error: corrupt
  bool empty() const { return entries_.empty(); }

 private:
  struct Entry {
    records::LeaderEpoch epoch;
    records::Offset start;
  };
  std::vector<Entry> entries_;
};

}  // namespace cms::storage
