// SPDX-License-Identifier: Apache-2.0
// What every IoQueue for real files promises, over io_uring and over threads.
#include "storage/io_queue.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <deque>
#include <thread>

#include <gtest/gtest.h>

#include "storage/file_system.h"
#include "storage/make_io_queue.h"
#include "storage/test_directory.h"
#include "storage/thread_queue.h"
#include "storage/uring_queue.h"

namespace cms::storage {
namespace {

using base::as_bytes;
using base::as_text;
using base::ByteSpan;
using base::ErrorKind;
using base::Result;

struct Told final : IoCompletion {
  std::optional<Result<std::size_t>> result;
  std::function<void()> then;
  void completed(Result<std::size_t> bytes) noexcept override {
    CHECK(!result);
    result = std::move(bytes);
    if (then) then();
  }
};

struct alignas(disk_block_bytes) Blocks {
  std::byte bytes[4 * disk_block_bytes] = {};
};

class IoQueueTest : public testing::TestWithParam<IoQueueKind> {
 protected:
  void SetUp() override {
    if (GetParam() == IoQueueKind::uring) {
      auto queue = UringQueue::make();
      if (!queue) GTEST_SKIP() << queue.error().message();
      queue_ = std::move(*queue);
    } else {
      queue_ = std::make_unique<ThreadQueue>();
    }
  }
  void TearDown() override {
    if (queue_) drain();
  }

  void drain() {
    while (queue_->in_flight() > 0) {
      queue_->submit();
      pollfd ready{queue_->ready_descriptor(), POLLIN, 0};
      ASSERT_EQ(::poll(&ready, 1, 10'000), 1) << "nothing has completed";
      queue_->reap();
    }
  }
  std::unique_ptr<File> open(const std::string& name, OpenMode mode) {
    auto file = disk_.open(directory_ / name, mode);
    CHECK(file.ok());
    return std::move(*file);
  }
  std::string content(const std::string& name) {
    return std::string(as_text(read_file(disk_, directory_ / name, 1 << 24).value()));
  }

  TestDirectory directory_;
  FileSystem disk_;
  std::unique_ptr<IoQueue> queue_;
};

TEST_P(IoQueueTest, PiecesAreWrittenOneBehindTheOther) {
  auto file = open("a", OpenMode::create);
  const ByteSpan pieces[] = {as_bytes("one"), as_bytes(""), as_bytes("two"), as_bytes("three")};
  Told done;
  queue_->write(*file, 2, pieces, true, done);
  EXPECT_EQ(queue_->in_flight(), 1u);
  EXPECT_FALSE(done.result);
  drain();
  ASSERT_TRUE(*done.result) << done.result->error().message();
  EXPECT_EQ(done.result->value(), 11u);
  EXPECT_EQ(content("a"), std::string("\0\0onetwothree", 13));
}

TEST_P(IoQueueTest, ASyncCoversTheWritesBeforeIt) {
  auto file = open("a", OpenMode::create);
  auto& posix_file = dynamic_cast<PosixFile&>(*file);
  const ByteSpan pieces[] = {as_bytes("x")};
  Told unsynced;
  queue_->write(*file, 0, pieces, false, unsynced);
  drain();
  EXPECT_TRUE(posix_file.has_unsynced());
  Told synced;
  queue_->write(*file, 1, pieces, true, synced);
  drain();
  ASSERT_TRUE(*synced.result);
  EXPECT_FALSE(posix_file.has_unsynced());
  Told only_sync;
  queue_->write(*file, 0, {}, true, only_sync);
  Told nothing;
  queue_->write(*file, 0, {}, false, nothing);
  drain();
  EXPECT_EQ(only_sync.result->value(), 0u);
  EXPECT_EQ(nothing.result->value(), 0u);
}

TEST_P(IoQueueTest, DirectBlocksAreWrittenDurablyAndReadAnywhere) {
  auto file = open("a", OpenMode::create_direct);
  static Blocks blocks;
  std::memcpy(blocks.bytes + 5000, "middle", 6);
  const ByteSpan pieces[] = {ByteSpan(blocks.bytes).first(disk_block_bytes),
                             ByteSpan(blocks.bytes).subspan(disk_block_bytes, disk_block_bytes)};
  Told done;
  queue_->write(*file, 0, pieces, true, done);
  drain();
  ASSERT_TRUE(*done.result) << done.result->error().message();
  std::byte buffer[6];
  Told read;
  queue_->read(*file, 5000, buffer, read);
  drain();
  EXPECT_EQ(read.result->value(), 6u);
  EXPECT_EQ(as_text(buffer), "middle");
}

TEST_P(IoQueueTest, AReadEndsWithTheFile) {
  auto file = open("a", OpenMode::create);
  ASSERT_TRUE(file->write_at(0, as_bytes("abc")));
  std::byte buffer[10];
  Told part, none, empty;
  queue_->read(*file, 1, buffer, part);
  queue_->read(*file, 3, std::span(buffer).subspan(5), none);
  queue_->read(*file, 0, {}, empty);
  drain();
  EXPECT_EQ(part.result->value(), 2u);
  EXPECT_EQ(none.result->value(), 0u);
  EXPECT_EQ(empty.result->value(), 0u);
}

TEST_P(IoQueueTest, ManyMoreOperationsThanTheKernelTakesAllComplete) {
  auto file = open("a", OpenMode::create);
  const std::size_t count = 5 * UringQueue::entries;
  std::deque<Told> told(count);
  for (std::size_t i = 0; i < count; ++i) {
    const ByteSpan piece[] = {as_bytes("0123456789")};
    queue_->write(*file, i * 10, piece, false, told[i]);
  }
  drain();
  for (const Told& one : told) EXPECT_EQ(one.result->value(), 10u);
  EXPECT_EQ(content("a").size(), count * 10);
}

TEST_P(IoQueueTest, AFailedWriteIsTheResult) {
  ASSERT_TRUE(replace_file(disk_, directory_ / "a", as_bytes("x")));
  auto file = open("a", OpenMode::read);
  const ByteSpan pieces[] = {as_bytes("y")};
  Told plain, durable;
  queue_->write(*file, 0, pieces, false, plain);
  drain();
  EXPECT_EQ(plain.result->error().kind(), ErrorKind::io);
  queue_->write(*file, 0, pieces, true, durable);
  drain();
  EXPECT_FALSE(*durable.result);
  EXPECT_NE(durable.result->error().message().find("/a"), std::string::npos);
  EXPECT_EQ(content("a"), "x");
}

TEST_P(IoQueueTest, NothingMoreIsSyncedAfterAFailedSync) {
  auto file = open("a", OpenMode::create);
  dynamic_cast<PosixFile&>(*file).note_sync_failed();
  const ByteSpan pieces[] = {as_bytes("y")};
  Told done;
  queue_->write(*file, 0, pieces, true, done);
  drain();
  EXPECT_EQ(done.result->error().kind(), ErrorKind::io);
}

TEST_P(IoQueueTest, WorkRunsOnAnotherThreadAndIsToldOnThisOne) {
  std::thread::id ran_on;
  std::thread::id told_on;
  Told done;
  done.then = [&] { told_on = std::this_thread::get_id(); };
  queue_->run(
      [&]() -> Result<std::size_t> {
        ran_on = std::this_thread::get_id();
        return std::size_t{7};
      },
      done);
  drain();
  EXPECT_EQ(done.result->value(), 7u);
  EXPECT_NE(ran_on, std::this_thread::get_id());
  EXPECT_EQ(told_on, std::this_thread::get_id());
}

TEST_P(IoQueueTest, ACompletionMayStartTheNext) {
  auto file = open("a", OpenMode::create);
  const ByteSpan pieces[] = {as_bytes("ab")};
  Told first, second, third;
  first.then = [&] { queue_->write(*file, 2, pieces, true, second); };
  second.then = [&] { queue_->run([]() -> Result<std::size_t> { return std::size_t{0}; }, third); };
  queue_->write(*file, 0, pieces, false, first);
  drain();
  EXPECT_TRUE(third.result.has_value());
  EXPECT_EQ(content("a"), "abab");
}

TEST_P(IoQueueTest, AFullDeviceIsFull) {
  auto opened = disk_.open("/dev/full", OpenMode::write);
  if (!opened) GTEST_SKIP() << opened.error().message();
  const ByteSpan pieces[] = {as_bytes("x")};
  Told done;
  queue_->write(**opened, 0, pieces, false, done);
  drain();
  EXPECT_EQ(done.result->error().kind(), ErrorKind::full);
}

INSTANTIATE_TEST_SUITE_P(Kinds, IoQueueTest, testing::Values(IoQueueKind::uring, IoQueueKind::threads),
                         [](const auto& kind) { return kind.param == IoQueueKind::uring ? "Uring" : "Threads"; });

TEST(MakeIoQueue, GivesAQueueWhateverTheKernelAllows) {
  const auto queue = make_io_queue(choose_io_queue_kind());
  ASSERT_NE(queue, nullptr);
  EXPECT_GE(queue->ready_descriptor(), 0);
  EXPECT_EQ(queue->in_flight(), 0u);
}

}  // namespace
}  // namespace cms::storage
