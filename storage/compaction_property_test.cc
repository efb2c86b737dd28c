// SPDX-License-Identifier: Apache-2.0
// A compacted log against the plainest model of it: a list from which each run takes what a later record replaces.
#include <map>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/random.h"
#include "storage/key_offsets.h"
#include "storage/keyed_records.h"
#include "storage/log_fixture.h"
#include "storage/memory_log.h"

namespace cms::storage::test {
namespace {

class ListOfRecords {
 public:
  void add(ReadRecord record) { all_.push_back(std::move(record)); }

  // What is below `below` is compacted; tombstones stay.
  void compact(Offset below) {
    std::map<std::string, Offset> last;
    for (const ReadRecord& record : all_) {
      if (record.offset < below && record.key) last[*record.key] = record.offset;
    }
    std::erase_if(all_, [&](const ReadRecord& record) {
      return record.offset < below && (!record.key || last[*record.key] != record.offset);
    });
  }

  const std::vector<ReadRecord>& all() const { return all_; }

 private:
  std::vector<ReadRecord> all_;
};

class Script {
 public:
  Script(Log& log, std::uint64_t seed) : log_(log), random_(seed) {}

  // Returns whether log and model were the same all the time.
  bool run(const std::function<void()>& flush) {
    const auto keys = 1 + random_.below(60);
    for (int step = 0; step < 120; ++step) {
      if (!random_.one_in(12)) {
        append(keys);
        continue;
      }
      flush();
      const auto done = compact_all(log_, {.now_ms = 5000,
                                           .delete_retention_ms = 1'000'000,
                                           .map_bytes_max = (16 + random_.below(100)) * KeyOffsets::bytes_per_key});
      if (!done) return false;
      if (done->first_dirty > 0) model_.compact(done->first_dirty);
      if (read_records(log_, log_.first_offset(), log_.next_offset()) != model_.all()) return false;
    }
    return true;
  }

 private:
  void append(std::uint64_t keys) {
    records::BatchOptions options;
    options.codec = static_cast<records::Codec>(random_.below(5));
    std::vector<Keyed> batch;
    const std::uint64_t count = 1 + random_.below(9);
    for (std::uint64_t i = 0; i < count; ++i) {
      Keyed one{std::nullopt, std::nullopt, 1000 + static_cast<records::TimestampMs>(random_.below(500))};
      if (!random_.one_in(30)) one.key = std::string(random_.below(4), 'k') + std::to_string(random_.below(keys));
      if (!random_.one_in(8)) one.value = std::string(random_.below(300), 'v') + std::to_string(random_.next());
      model_.add({log_.next_offset() + static_cast<Offset>(i), one.key, one.value, one.timestamp_ms});
      batch.push_back(std::move(one));
    }
    const auto bytes = keyed_batch(batch, options);
    CHECK(log_.append(view_of(bytes), 0, 0).ok());
  }

  Log& log_;
  base::Random random_;
  ListOfRecords model_;
};

class CompactionPropertyTest : public SegmentedLogFixture {
 protected:
  bool holds(std::uint64_t seed) {
    disk_ = std::make_unique<SimulatedDisk>();
    options_.segment_bytes = 1000 + seed % 5000;
    options_.index_interval_bytes = 200;
    start();
    const bool same = Script(*log_, seed).run([&] { CHECK(flush().ok()); });
    stop();
    return same;
  }
};

TEST_F(CompactionPropertyTest, SegmentsHoldWhatTheModelHolds) {
  EXPECT_TRUE(rc::check("segments", [this](std::uint64_t seed) { RC_ASSERT(holds(seed)); }));
}

TEST(MemoryCompactionPropertyTest, MemoryHoldsWhatTheModelHolds) {
  EXPECT_TRUE(rc::check("memory", [](std::uint64_t seed) {
    Arena arena({.budget_bytes = 64u << 20, .pool_bytes_max = 1u << 20});
    LogOptions options;
    options.segment_bytes = 1000 + seed % 5000;
    options.compact = true;
    MemoryLog log(arena, options, {.offset = static_cast<Offset>(seed % 1000)});
    RC_ASSERT(Script(log, seed).run([] {}));
  }));
}

}  // namespace
}  // namespace cms::storage::test
