// SPDX-License-Identifier: Apache-2.0
#include "storage/simulated_disk.h"

#include <gtest/gtest.h>

#include "storage/simulated_queue.h"

namespace cms::storage {
namespace {

using base::as_bytes;
using base::as_text;
using base::ByteSpan;
using base::ErrorKind;

std::string content_of(Disk& disk, const std::string& path) {
  const auto content = read_file(disk, path, 1 << 24);
  return content ? std::string(as_text(*content)) : "(" + std::string(to_string(content.error().kind())) + ")";
}

std::unique_ptr<File> make_file(Disk& disk, const std::string& path, OpenMode mode = OpenMode::create) {
  auto file = disk.open(path, mode);
  CHECK(file.ok());
  return std::move(*file);
}

// What the file holds after each of many losses of power.
std::set<std::string> found_after_power_loss(const SimulatedDisk& disk, const std::string& path) {
  std::set<std::string> found;
  for (std::uint64_t seed = 0; seed < 300; ++seed) found.insert(content_of(*disk.after_power_loss(seed), path));
  return found;
}

class SimulatedDiskTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(disk_.make_directories("/d"));
    ASSERT_TRUE(disk_.sync_directory("/"));
  }
  SimulatedDisk disk_;
};

TEST_F(SimulatedDiskTest, BehavesAsAFileSystem) {
  auto file = make_file(disk_, "/d/a");
  ASSERT_TRUE(file->write_at(2, as_bytes("xyz")));
  EXPECT_EQ(content_of(disk_, "/d/a"), std::string("\0\0xyz", 5));
  ASSERT_TRUE(file->truncate(3));
  EXPECT_EQ(file->size().value(), 3u);
  EXPECT_EQ(disk_.list("/d").value(), (std::vector<std::string>{"a"}));
  EXPECT_EQ(disk_.open("/d/b", OpenMode::write).error().kind(), ErrorKind::not_found);
  EXPECT_EQ(disk_.open("/e/b", OpenMode::create).error().kind(), ErrorKind::not_found);
  ASSERT_TRUE(disk_.rename("/d/a", "/d/c"));
  EXPECT_FALSE(disk_.exists("/d/a"));
  EXPECT_FALSE(disk_.remove("/d")) << "not empty";
  ASSERT_TRUE(disk_.remove("/d/c"));
  EXPECT_EQ(file->size().value(), 3u) << "an open file outlives its name";
  ASSERT_TRUE(disk_.remove("/d"));
  EXPECT_EQ(disk_.list("/d").error().kind(), ErrorKind::not_found);
}

TEST_F(SimulatedDiskTest, WhatWasSyncedSurvives) {
  auto file = make_file(disk_, "/d/a");
  ASSERT_TRUE(file->write_at(0, as_bytes("kept")));
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(disk_.sync_directory("/d"));
  EXPECT_EQ(found_after_power_loss(disk_, "/d/a"), (std::set<std::string>{"kept"}));
}

TEST_F(SimulatedDiskTest, ANameThatWasNotSyncedMayBeLostWithItsSyncedContent) {
  auto file = make_file(disk_, "/d/a");
  ASSERT_TRUE(file->write_at(0, as_bytes("kept")));
  ASSERT_TRUE(file->sync());
  EXPECT_EQ(found_after_power_loss(disk_, "/d/a"), (std::set<std::string>{"kept", "(not found)"}));
}

TEST_F(SimulatedDiskTest, ADirectoryThatWasNotSyncedTakesItsFilesAlong) {
  ASSERT_TRUE(disk_.make_directories("/x/y"));
  make_file(disk_, "/x/y/a");
  ASSERT_TRUE(disk_.sync_directory("/x/y"));
  ASSERT_TRUE(disk_.sync_directory("/x"));
  EXPECT_EQ(found_after_power_loss(disk_, "/x/y/a"), (std::set<std::string>{"", "(not found)"}));
  ASSERT_TRUE(disk_.sync_directory("/"));
  EXPECT_EQ(found_after_power_loss(disk_, "/x/y/a"), (std::set<std::string>{""}));
}

TEST_F(SimulatedDiskTest, ARenameIsAllOrNothing) {
  make_file(disk_, "/d/a");
  ASSERT_TRUE(replace_file(disk_, "/d/a", as_bytes("old")));
  ASSERT_TRUE(replace_file(disk_, "/d/b", as_bytes("new")));
  ASSERT_TRUE(disk_.rename("/d/b", "/d/a"));
  EXPECT_EQ(found_after_power_loss(disk_, "/d/a"), (std::set<std::string>{"old", "new"}));
}

TEST_F(SimulatedDiskTest, AnUnsyncedWriteTearsBetweenSectorsOnly) {
  constexpr std::size_t sector = SimulatedDisk::sector_bytes;
  auto file = make_file(disk_, "/d/a");
  ASSERT_TRUE(file->write_at(0, as_bytes(std::string(3 * sector, 'o'))));
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(disk_.sync_directory("/d"));
  ASSERT_TRUE(file->write_at(0, as_bytes(std::string(3 * sector, 'n'))));
  const auto found = found_after_power_loss(disk_, "/d/a");
  EXPECT_EQ(found.size(), 8u) << "every combination of three sectors";
  for (const std::string& content : found) {
    ASSERT_EQ(content.size(), 3 * sector);
    for (std::size_t i = 0; i < content.size(); ++i) EXPECT_EQ(content[i], content[i / sector * sector]);
  }
}

TEST_F(SimulatedDiskTest, ALaterWriteMaySurviveAnEarlierOne) {
  auto file = make_file(disk_, "/d/a");
  ASSERT_TRUE(file->write_at(0, as_bytes(std::string(1024, '-'))));
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(disk_.sync_directory("/d"));
  ASSERT_TRUE(file->write_at(0, as_bytes("1")));
  ASSERT_TRUE(file->write_at(512, as_bytes("2")));
  std::set<std::string> found;
  for (const std::string& content : found_after_power_loss(disk_, "/d/a")) found.insert({content[0], content[512]});
  EXPECT_EQ(found, (std::set<std::string>{"--", "1-", "-2", "12"}));
}

TEST_F(SimulatedDiskTest, ASizeThatWasNotSyncedMayStay) {
  auto file = make_file(disk_, "/d/a");
  ASSERT_TRUE(disk_.sync_directory("/d"));
  ASSERT_TRUE(file->write_at(0, as_bytes("x")));
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(file->truncate(3));
  EXPECT_EQ(found_after_power_loss(disk_, "/d/a"), (std::set<std::string>{"x", std::string("x\0\0", 3)}));
}

TEST_F(SimulatedDiskTest, ALossOfPowerIsTheSameForTheSameSeed) {
  auto file = make_file(disk_, "/d/a");
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(file->write_at(static_cast<std::uint64_t>(i) * 100, as_bytes("0123456789")));
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(content_of(*disk_.after_power_loss(seed), "/d/a"), content_of(*disk_.after_power_loss(seed), "/d/a"));
  }
}

TEST_F(SimulatedDiskTest, EveryWriteSyncAndNameIsAStep) {
  std::uint64_t seen = 0;
  disk_.on_step([&] { ++seen; });
  const std::uint64_t before = disk_.steps();
  auto file = make_file(disk_, "/d/a");
  ASSERT_TRUE(file->write_at(0, as_bytes("x")));
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(disk_.sync_directory("/d"));
  EXPECT_EQ(seen, 6u) << "a sync is two: before it and after it";
  EXPECT_EQ(disk_.steps() - before, seen);
}

TEST_F(SimulatedDiskTest, AFullDiskTakesNoMore) {
  disk_.set_capacity(1000);
  auto file = make_file(disk_, "/d/a");
  ASSERT_TRUE(file->write_at(0, as_bytes(std::string(900, 'x'))));
  EXPECT_EQ(file->write_at(900, as_bytes(std::string(101, 'x'))).error().kind(), ErrorKind::full);
  EXPECT_TRUE(file->write_at(0, as_bytes(std::string(900, 'y')))) << "overwriting needs no space";
  EXPECT_EQ(disk_.space("/d")->free_bytes, 100u);
}

TEST_F(SimulatedDiskTest, AFailedWriteIsAnErrorOnce) {
  auto file = make_file(disk_, "/d/a");
  disk_.fail_write(2);
  EXPECT_TRUE(file->write_at(0, as_bytes("x")));
  EXPECT_EQ(file->write_at(0, as_bytes("x")).error().kind(), ErrorKind::io);
  EXPECT_TRUE(file->write_at(0, as_bytes("x")));
}

TEST_F(SimulatedDiskTest, AFailedSyncDropsWhatItShouldHaveWritten) {
  auto file = make_file(disk_, "/d/a");
  ASSERT_TRUE(file->write_at(0, as_bytes("old")));
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(disk_.sync_directory("/d"));
  std::size_t lost = 0;
  for (int i = 0; i < 64; ++i) {
    ASSERT_TRUE(file->write_at(0, as_bytes("new")));
    disk_.fail_sync(1);
    EXPECT_EQ(file->sync().error().kind(), ErrorKind::io);
    EXPECT_TRUE(file->sync()) << "which is the trap";
    EXPECT_EQ(content_of(disk_, "/d/a"), "new");
    if (content_of(*disk_.after_power_loss(1), "/d/a") == "old") ++lost;
  }
  EXPECT_GT(lost, 0u);
}

TEST_F(SimulatedDiskTest, ASyncThatDoesNothingLosesData) {
  SimulatedDisk disk(SimulatedDisk::Options{.sync_does_nothing = true});
  auto file = make_file(disk, "a");
  ASSERT_TRUE(file->write_at(0, as_bytes("x")));
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(disk.sync_directory("."));
  EXPECT_TRUE(found_after_power_loss(disk, "a").contains(""));
}

TEST_F(SimulatedDiskTest, AFlippedBitStays) {
  ASSERT_TRUE(replace_file(disk_, "/d/a", as_bytes("abc")));
  EXPECT_TRUE(disk_.flip_bit("/d/a", 1, 0));
  EXPECT_FALSE(disk_.flip_bit("/d/a", 3, 0));
  EXPECT_EQ(content_of(disk_, "/d/a"), "acc");
  EXPECT_EQ(content_of(*disk_.after_power_loss(1), "/d/a"), "acc");
}

TEST_F(SimulatedDiskTest, ALockIsHeldByOne) {
  auto lock = disk_.lock("/d/lock");
  ASSERT_TRUE(lock);
  EXPECT_EQ(disk_.lock("/d/lock").error().kind(), ErrorKind::busy);
  EXPECT_TRUE(disk_.after_power_loss(1)->lock("/lock")) << "another machine's";
  lock->reset();
  EXPECT_TRUE(disk_.lock("/d/lock"));
}

// A crash at every step of a replacement leaves the old or the new content.
TEST_F(SimulatedDiskTest, ReplaceFileIsAllOrNothingAtEveryStep) {
  ASSERT_TRUE(replace_file(disk_, "/d/a", as_bytes(std::string(2000, 'o'))));
  std::set<std::string> found;
  disk_.on_step([&] { found.merge(found_after_power_loss(disk_, "/d/a")); });
  ASSERT_TRUE(replace_file(disk_, "/d/a", as_bytes(std::string(3000, 'n'))));
  EXPECT_EQ(found, (std::set<std::string>{std::string(2000, 'o'), std::string(3000, 'n')}));
}

struct Told final : IoCompletion {
  int order = 0;
  int* count = nullptr;
  bool ok = false;
  void completed(base::Result<std::size_t> bytes) noexcept override {
    order = ++*count;
    ok = bytes.ok();
  }
};

TEST_F(SimulatedDiskTest, TheQueueCompletesInAnyOrderAndSyncsWhenItTells) {
  auto file = make_file(disk_, "/d/a");
  ASSERT_TRUE(disk_.sync_directory("/d"));
  std::set<bool> first_was_first;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SimulatedQueue queue(seed);
    int count = 0;
    Told told[2];
    for (Told& one : told) {
      one.count = &count;
      const ByteSpan pieces[] = {as_bytes("a"), as_bytes("b")};
      queue.write(*file, 2 * seed, pieces, true, one);
    }
    queue.submit();
    while (queue.in_flight() > 0) queue.reap();
    EXPECT_TRUE(told[0].ok && told[1].ok);
    first_was_first.insert(told[0].order == 1);
    EXPECT_EQ(found_after_power_loss(disk_, "/d/a").size(), 1u);
  }
  EXPECT_EQ(first_was_first.size(), 2u);
}

}  // namespace
}  // namespace cms::storage
