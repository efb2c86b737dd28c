// SPDX-License-Identifier: Apache-2.0
// Any bytes as a run of batches from a broker: as they were received, and in place, where they change under the walk
// and their generation with them. The input is a byte of switches, a byte that says how many changes follow, 4 bytes
// each (where, where, value, when), and the run.
#include <cstring>
#include <memory>
#include <vector>

#include "base/check.h"
#include "client/native/batch_walk.h"

namespace {

using namespace cms;

struct Change {
  std::uint8_t where[2];
  std::uint8_t value;
  std::uint8_t when;  // after so many records; the last bit of `value` set: with a new generation
};

std::uint64_t sum_of(base::ByteSpan bytes) {
  std::uint64_t sum = 0;
  for (const std::byte each : bytes) sum += static_cast<std::uint8_t>(each);
  return sum;
}

// All that a callback may look at.
std::uint64_t look_at(const records::RecordView& record) {
  return sum_of(record.headers.bytes()) + (record.key ? sum_of(*record.key) : 0) +
         (record.value ? sum_of(*record.value) : 0);
}

class Overwriter {
 public:
  Overwriter(const std::uint8_t* changes, std::size_t count, base::MutableByteSpan memory, std::uint64_t& generation)
      : changes_(count), memory_(memory), generation_(generation) {
    if (count > 0) std::memcpy(changes_.data(), changes, count * sizeof(Change));
  }
  void overwrite(std::size_t records) {
    for (const Change& change : changes_) {
      if (change.when != records || memory_.empty()) continue;
      memory_[(std::size_t{change.where[0]} << 8 | change.where[1]) % memory_.size()] = std::byte{change.value};
      if (change.value % 2 == 1) ++generation_;
    }
  }

 private:
  std::vector<Change> changes_;
  base::MutableByteSpan memory_;
  std::uint64_t& generation_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t input_bytes) {
  if (input_bytes < 2) return 0;
  const bool check_checksums = (input[0] & 1) != 0;
  const bool in_place = (input[0] & 2) != 0;
  const std::size_t changes = std::min<std::size_t>(input[1], (input_bytes - 2) / sizeof(Change));
  const std::uint8_t* const run = input + 2 + changes * sizeof(Change);
  const std::size_t run_bytes = input_bytes - static_cast<std::size_t>(run - input);
  // A heap block of just this size, so that a byte too far is seen.
  const std::unique_ptr<std::byte[]> memory(new std::byte[run_bytes]);
  if (run_bytes > 0) std::memcpy(memory.get(), run, run_bytes);
  const base::MutableByteSpan bytes(memory.get(), run_bytes);
  std::uint64_t generation = 7;
  Overwriter overwriter(input + 2, changes, bytes, generation);

  client::BatchWalk walk(check_checksums);
  const client::InPlace where{.bytes = bytes, .generation_at = &generation, .generation = generation};
  if (in_place) {
    walk.open(where);
  } else {
    walk.open(bytes);
  }
  records::Offset next_offset = 0;
  std::size_t records = 0;
  std::uint64_t sum = 0;
  while (const records::RecordView* record = walk.next(next_offset)) {
    CHECK(next_offset > record->offset);
    sum += look_at(*record);
    if (in_place) overwriter.overwrite(records);
    if (++records == 4096) break;  // a compressed batch may hold many
  }
  if (!in_place) CHECK(!walk.overtaken());
  return sum == 1 && records == 0 ? 1 : 0;  // so that nothing of it is left out
}
