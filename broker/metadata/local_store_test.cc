// SPDX-License-Identifier: Apache-2.0
#include "broker/metadata/local_store.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "broker/metadata/store_format.h"
#include "storage/simulated_disk.h"

namespace cms::broker {
namespace {

using base::ErrorKind;
using storage::SimulatedDisk;

const std::string directory = "/data/metadata";
const std::string log_path = directory + "/metadata.log";
const std::string snapshot_path = directory + "/metadata.snapshot";
constexpr LocalStore::Limits small{.log_bytes_min = 512, .live_bytes_max = 1 << 20};

StoreChange put(std::string key, std::string value, std::optional<Revision> expected = std::nullopt) {
  return {std::move(key), std::move(value), expected};
}
StoreChange removal(std::string key) { return {std::move(key), std::nullopt, std::nullopt}; }

class LocalStoreTest : public testing::Test {
 protected:
  std::unique_ptr<LocalStore> open(storage::Disk& disk, LocalStore::Limits limits = {}) {
    auto store = LocalStore::open(disk, clock_, directory, limits);
    EXPECT_TRUE(store) << store.error().message();
    return store ? std::move(*store) : nullptr;
  }
  std::unique_ptr<LocalStore> open(LocalStore::Limits limits = {}) { return open(disk_, limits); }

  base::Error open_error() {
    auto store = LocalStore::open(disk_, clock_, directory);
    EXPECT_FALSE(store);
    return store ? base::Error(ErrorKind::invalid, "no error") : store.error();
  }

  std::string content(const std::string& path) {
    const auto bytes = storage::read_file(disk_, path, 1 << 20);
    return bytes ? std::string(base::as_text(*bytes)) : std::string();
  }
  void overwrite(const std::string& path, std::string_view text) {
    ASSERT_TRUE(storage::replace_file(disk_, path, base::as_bytes(text)));
  }
  static ApplyOutcome apply(LocalStore& store, const std::vector<StoreChange>& changes) {
    const auto outcome = store.apply(changes);
    EXPECT_TRUE(outcome) << outcome.error().message();
    return outcome ? *outcome : ApplyOutcome{};
  }
  static std::string value(LocalStore& store, std::string_view key) {
    const auto entry = store.get(key);
    return entry && *entry ? (*entry)->value : "none";
  }

  SimulatedDisk disk_;
  base::ManualClock clock_;
};

TEST_F(LocalStoreTest, WhatWasAppliedIsThereAfterOpeningAgain) {
  {
    auto store = open();
    EXPECT_EQ(apply(*store, {put("a", "1"), put("b", "2")}).revision, 1u);
    EXPECT_EQ(apply(*store, {put("a", "3"), removal("b"), put("c", std::string("\0\n\xff", 3))}).revision, 2u);
  }
  auto store = open();
  EXPECT_EQ(value(*store, "a"), "3");
  EXPECT_EQ(value(*store, "b"), "none");
  EXPECT_EQ(value(*store, "c"), std::string("\0\n\xff", 3));
  EXPECT_EQ((*store->get("a"))->version, 2u);
  EXPECT_TRUE(store->recovery_note().empty());
}

TEST_F(LocalStoreTest, ListGivesAPrefixInOrder) {
  auto store = open();
  apply(*store, {put("t/b", "2"), put("t/a", "1"), put("u", "3"), put("t", "0")});
  const auto entries = store->list("t/");
  ASSERT_TRUE(entries);
  EXPECT_EQ(*entries, (std::vector<StoredEntry>{{"t/a", "1", 1}, {"t/b", "2", 1}}));
  EXPECT_EQ(store->list("")->size(), 4u);
}

TEST_F(LocalStoreTest, AnUnexpectedVersionAppliesNothing) {
  auto store = open();
  apply(*store, {put("a", "1", 0)});
  const ApplyOutcome taken = apply(*store, {put("b", "2"), put("a", "2", 0)});
  EXPECT_FALSE(taken.applied);
  EXPECT_EQ(taken.conflict, "a");
  EXPECT_EQ(taken.revision, 1u);
  EXPECT_EQ(value(*store, "b"), "none");
  EXPECT_TRUE(apply(*store, {put("a", "2", 1)}).applied);
  EXPECT_FALSE(apply(*store, {put("a", "3", 1)}).applied);
}

TEST_F(LocalStoreTest, BatchesBeyondTheBoundsAreRefused) {
  auto store = open();
  EXPECT_EQ(store->apply({}).error().kind(), ErrorKind::invalid);
  const StoreChange twice[] = {put("a", "1"), removal("a")};
  EXPECT_EQ(store->apply(twice).error().kind(), ErrorKind::invalid);
  const StoreChange large[] = {put("a", std::string(store_value_bytes_max + 1, 'x'))};
  EXPECT_EQ(store->apply(large).error().kind(), ErrorKind::invalid);
  const StoreChange unnamed[] = {put("", "1")};
  EXPECT_EQ(store->apply(unnamed).error().kind(), ErrorKind::invalid);
  const std::vector<StoreChange> many(store_batch_changes_max + 1, put("a", "1"));
  EXPECT_EQ(store->apply(many).error().kind(), ErrorKind::invalid);
  EXPECT_EQ(value(*store, "a"), "none");
}

TEST_F(LocalStoreTest, AFullStoreStillDeletes) {
  auto store = open({.log_bytes_min = 512, .live_bytes_max = 100});
  apply(*store, {put("a", std::string(90, 'x'))});
  const StoreChange more[] = {put("b", std::string(90, 'x'))};
  EXPECT_EQ(store->apply(more).error().kind(), ErrorKind::full);
  EXPECT_TRUE(apply(*store, {removal("a")}).applied);
  EXPECT_TRUE(apply(*store, {put("b", "1")}).applied);
}

TEST_F(LocalStoreTest, ALogLargerThanWhatIsAliveIsFolded) {
  {
    auto store = open(small);
    for (int i = 0; i < 500; ++i) apply(*store, {put("counter", std::to_string(i)), put("other", "x")});
  }
  EXPECT_LT(content(log_path).size(), 1024u);
  EXPECT_FALSE(content(snapshot_path).empty());
  auto store = open(small);
  EXPECT_EQ(value(*store, "counter"), "499");
  EXPECT_EQ((*store->get("counter"))->version, 500u);
  EXPECT_EQ(apply(*store, {put("a", "1")}).revision, 501u);
}

TEST_F(LocalStoreTest, BatchesThatTheSnapshotHasAreSkipped) {
  std::string whole;
  {
    auto store = open(small);
    while (!disk_.exists(snapshot_path)) {
      whole = content(log_path);
      apply(*store, {put("counter", std::to_string(whole.size()))});
    }
  }
  overwrite(log_path, whole);  // as if the crash had come between snapshot and new log, which lacks nothing
  auto store = open(small);
  EXPECT_EQ(value(*store, "counter"), std::to_string(whole.size()));
}

TEST_F(LocalStoreTest, ATornLastBatchIsCutAndKept) {
  {
    auto store = open();
    apply(*store, {put("a", "1")});
    apply(*store, {put("b", "2")});
  }
  const std::string whole = content(log_path);
  for (const std::string& torn :
       {whole.substr(0, whole.size() - 1), whole.substr(0, whole.size() - 10) + std::string(10, '\0')}) {
    overwrite(log_path, torn);
    auto store = open();
    ASSERT_NE(store, nullptr);
    EXPECT_EQ(value(*store, "a"), "1");
    EXPECT_EQ(value(*store, "b"), "none");
    const std::string kept = log_path + ".corrupt-" + std::to_string(clock_.now_ms());
    EXPECT_NE(store->recovery_note().find(kept), std::string::npos) << store->recovery_note();
    EXPECT_EQ(content(log_path) + content(kept), torn);
    apply(*store, {put("c", "3")});
    EXPECT_EQ(value(*open(), "c"), "3");
  }
}

TEST_F(LocalStoreTest, DamageBeforeIntactBatchesIsAnErrorThatSaysWhatToDo) {
  {
    auto store = open();
    apply(*store, {put("a", "1")});
    apply(*store, {put("b", "2")});
  }
  const std::size_t second = log_file_magic.size();
  ASSERT_TRUE(disk_.flip_bit(log_path, second + frame_header_bytes + 3, 0));
  const base::Error error = open_error();
  EXPECT_EQ(error.kind(), ErrorKind::corrupt);
  EXPECT_NE(error.message().find(log_path + " is damaged before intact batches (position 8)"), std::string::npos);
  EXPECT_NE(error.message().find("truncate -s 8 " + log_path), std::string::npos) << error.message();
}

TEST_F(LocalStoreTest, EveryFlippedBitIsFoundOrCutNeverBelieved) {
  {
    auto store = open();
    apply(*store, {put("a", "1")});
    apply(*store, {put("a", "2")});
  }
  const std::string whole = content(log_path);
  for (std::size_t position = 0; position < whole.size(); ++position) {
    overwrite(log_path, whole);
    ASSERT_TRUE(disk_.flip_bit(log_path, position, static_cast<unsigned>(position % 8)));
    auto store = LocalStore::open(disk_, clock_, directory);
    if (store) {
      EXPECT_EQ(value(**store, "a"), "1") << position;  // only the last batch can pass for torn
    } else {
      EXPECT_EQ(store.error().kind(), ErrorKind::corrupt) << position;
    }
  }
}

TEST_F(LocalStoreTest, ADamagedSnapshotAMissingLogAndAGapAreErrors) {
  {
    auto store = open(small);
    for (int i = 0; i < 100; ++i) apply(*store, {put("counter", std::to_string(i))});
  }
  const std::string snapshot = content(snapshot_path);
  const std::string log = content(log_path);
  ASSERT_TRUE(disk_.flip_bit(snapshot_path, snapshot.size() - 1, 0));
  EXPECT_NE(open_error().message().find("does not match its checksum"), std::string::npos);
  overwrite(snapshot_path, snapshot);
  ASSERT_TRUE(disk_.remove(log_path));
  EXPECT_NE(open_error().message().find("is missing though there is a snapshot"), std::string::npos);
  overwrite(log_path, std::string(log_file_magic) + write_frame(1'000, write_batch({})));
  EXPECT_NE(open_error().message().find("lacks the batches before"), std::string::npos);
  overwrite(log_path, "");  // what the message tells to do
  EXPECT_NE(value(*open(), "counter"), "none");
}

TEST_F(LocalStoreTest, AFullDiskRefusesTheChangeAndTheStoreGoesOn) {
  auto store = open();
  apply(*store, {put("a", "1")});
  disk_.fail_write(1);
  const StoreChange change[] = {put("a", "2")};
  ASSERT_FALSE(store->apply(change));
  EXPECT_EQ(value(*store, "a"), "1");
  apply(*store, {put("a", "3")});
  EXPECT_EQ(value(*open(), "a"), "3");
}

TEST_F(LocalStoreTest, AfterAFailedSyncNothingMoreIsTaken) {
  auto store = open();
  apply(*store, {put("a", "1")});
  disk_.fail_sync(1);
  const StoreChange change[] = {put("a", "2")};
  ASSERT_FALSE(store->apply(change));
  const auto again = store->apply(change);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind(), ErrorKind::closed);
  EXPECT_EQ(value(*store, "a"), "1");
}

TEST_F(LocalStoreTest, AFoldThatFailsLosesNothing) {
  for (std::uint64_t nth = 2; nth < 8; ++nth) {
    SimulatedDisk disk;
    auto store = open(disk, small);
    int last = 0;
    for (; last < 30; ++last) apply(*store, {put("counter", std::to_string(last))});
    disk.fail_sync(nth);
    for (int i = 0; i < 30; ++i) {
      const StoreChange change[] = {put("counter", std::to_string(last))};
      if (!store->apply(change)) break;
      ++last;
    }
    store.reset();
    const int found = std::stoi(value(*open(*disk.after_power_loss(nth), small), "counter"));
    EXPECT_GE(found, last - 1) << nth;
    EXPECT_LE(found, last) << nth;
  }
}

// Loses power at every step of a script of changes; each acknowledged one must be there, and nothing that was not
// asked.
class PowerLoss {
 public:
  explicit PowerLoss(std::uint64_t seed, SimulatedDisk::Options options = {}) : disk_(options), seed_(seed) {}

  // The number of losses that were not survived as they must be.
  int run(int changes) {
    disk_.on_step([this] { lose_power(); });
    auto store = LocalStore::open(disk_, clock_, directory, {.log_bytes_min = 200, .live_bytes_max = 1 << 20});
    EXPECT_TRUE(store);
    for (asked_ = 1; asked_ <= changes; ++asked_) {
      const StoreChange batch[] = {put("counter", std::to_string(asked_)),
                                   put("k" + std::to_string(asked_ % 7), filler(asked_)),
                                   removal("k" + std::to_string((asked_ + 3) % 7))};
      EXPECT_TRUE((*store)->apply(batch));
      acknowledged_ = asked_;
    }
    return violations_;
  }
  int losses() const { return losses_; }

 private:
  static std::string filler(int i) {
    return std::string(static_cast<std::size_t>(i * 37 % 700), static_cast<char>('a' + i % 26));
  }

  void lose_power() {
    const auto after = disk_.after_power_loss(seed_ + disk_.steps());
    ++losses_;
    const auto store = LocalStore::open(*after, clock_, directory);
    const int found = store ? counter(**store) : -1;
    if (found != acknowledged_ && found != asked_) ++violations_;
    if (found > 0 && !consistent(**store, found)) ++violations_;
  }
  static int counter(LocalStore& store) {
    const auto entry = store.get("counter");
    return *entry ? std::stoi((*entry)->value) : 0;
  }
  static bool consistent(LocalStore& store, int found) {
    const auto entry = store.get("k" + std::to_string(found % 7));
    return *entry && (*entry)->value == filler(found) && !*store.get("k" + std::to_string((found + 3) % 7));
  }

  SimulatedDisk disk_;
  base::ManualClock clock_;
  const std::uint64_t seed_;
  int asked_ = 0;
  int acknowledged_ = 0;
  int losses_ = 0;
  int violations_ = 0;
};

TEST(LocalStorePowerLossTest, NoAcknowledgedChangeIsLostAndNoneInvented) {
  int losses = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    PowerLoss loss(seed * 1'000'003);
    EXPECT_EQ(loss.run(60), 0) << "seed " << seed;
    losses += loss.losses();
  }
  EXPECT_GT(losses, 3'000);
}

TEST(LocalStorePowerLossTest, TheTestFindsADiskThatDoesNotSync) {
  SimulatedDisk::Options lying;
  lying.sync_does_nothing = true;
  EXPECT_GT(PowerLoss(1, lying).run(30), 0);
  SimulatedDisk::Options forgetful;
  forgetful.sync_directory_does_nothing = true;
  EXPECT_GT(PowerLoss(1, forgetful).run(30), 0);
}

}  // namespace
}  // namespace cms::broker
