// SPDX-License-Identifier: Apache-2.0
#include "storage/file_system.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "storage/test_directory.h"

namespace cms::storage {
namespace {

using base::as_bytes;
using base::as_text;
using base::ErrorKind;

std::string content_of(Disk& disk, const std::string& path) {
  const auto content = read_file(disk, path, 1 << 20);
  return content ? std::string(as_text(*content)) : "(" + content.error().message() + ")";
}

struct alignas(disk_block_bytes) Block {
  std::byte bytes[disk_block_bytes] = {};
  base::ByteSpan span() const { return bytes; }
};

class FileSystemTest : public testing::Test {
 protected:
  TestDirectory directory_;
  FileSystem disk_;
};

TEST_F(FileSystemTest, WhatIsWrittenIsRead) {
  auto file = disk_.open(directory_ / "a", OpenMode::create);
  ASSERT_TRUE(file) << file.error().message();
  ASSERT_TRUE((*file)->write_at(3, as_bytes("hello")));
  ASSERT_TRUE((*file)->sync());
  EXPECT_EQ((*file)->size().value(), 8u);
  EXPECT_EQ(content_of(disk_, directory_ / "a"), std::string("\0\0\0hello", 8));
  ASSERT_TRUE((*file)->truncate(4));
  std::byte buffer[16];
  EXPECT_EQ((*file)->read_at(0, buffer).value(), 4u);
  EXPECT_EQ((*file)->read_at(4, buffer).value(), 0u);
}

TEST_F(FileSystemTest, AMissingFileIsNotFoundAndTheMessageNamesIt) {
  const auto file = disk_.open(directory_ / "missing", OpenMode::write);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().kind(), ErrorKind::not_found);
  EXPECT_NE(file.error().message().find("missing: No such file"), std::string::npos) << file.error().message();
}

TEST_F(FileSystemTest, ADirectFileTakesWholeBlocksAndReadsAnyRange) {
  auto file = disk_.open(directory_ / "a", OpenMode::create_direct);
  ASSERT_TRUE(file) << file.error().message();
  Block block;
  std::memcpy(block.bytes + 100, "inside", 6);
  ASSERT_TRUE((*file)->write_at(disk_block_bytes, block.span()));
  ASSERT_TRUE((*file)->sync());
  std::byte buffer[6];
  ASSERT_EQ((*file)->read_at(disk_block_bytes + 100, buffer).value(), 6u);
  EXPECT_EQ(as_text(buffer), "inside");
}

TEST_F(FileSystemTest, AFileSystemWithoutDirectWritesGetsThePageCache) {
  if (::access("/dev/shm", W_OK) != 0) GTEST_SKIP() << "no tmpfs at /dev/shm";
  const TestDirectory memory("/dev/shm");
  auto file = disk_.open(memory / "a", OpenMode::create_direct);
  ASSERT_TRUE(file) << file.error().message();
  Block block;
  EXPECT_TRUE((*file)->write_at(0, block.span()));
  EXPECT_TRUE((*file)->direct() || (*file)->write_at(1, as_bytes("unaligned")).ok());
}

TEST_F(FileSystemTest, ListIsSortedAndHasNoDots) {
  for (const char* name : {"b", "a", "c"}) ASSERT_TRUE(disk_.open(directory_ / name, OpenMode::create));
  EXPECT_EQ(disk_.list(directory_.path()).value(), (std::vector<std::string>{"a", "b", "c"}));
  ASSERT_TRUE(disk_.remove(directory_ / "b"));
  ASSERT_TRUE(disk_.rename(directory_ / "a", directory_ / "c"));
  EXPECT_EQ(disk_.list(directory_.path()).value(), (std::vector<std::string>{"c"}));
  EXPECT_EQ(disk_.list(directory_ / "none").error().kind(), ErrorKind::not_found);
}

TEST_F(FileSystemTest, DirectoriesAreMadeWithTheirParents) {
  ASSERT_TRUE(disk_.make_directories(directory_ / "x/y/z"));
  ASSERT_TRUE(disk_.make_directories(directory_ / "x/y/z"));
  EXPECT_TRUE(disk_.exists(directory_ / "x/y/z"));
  EXPECT_TRUE(disk_.sync_directory(directory_ / "x/y"));
  EXPECT_FALSE(disk_.remove(directory_ / "x/y"));
  EXPECT_TRUE(disk_.remove(directory_ / "x/y/z"));
  EXPECT_FALSE(disk_.exists(directory_ / "x/y/z"));
}

TEST_F(FileSystemTest, ReplaceFileLeavesTheNewContentAndNothingElse) {
  ASSERT_TRUE(replace_file(disk_, directory_ / "a", as_bytes("a long first content")));
  ASSERT_TRUE(replace_file(disk_, directory_ / "a", as_bytes("second")));
  EXPECT_EQ(content_of(disk_, directory_ / "a"), "second");
  EXPECT_EQ(disk_.list(directory_.path()).value().size(), 1u);
}

TEST_F(FileSystemTest, ReadFileRefusesMoreThanItsBound) {
  ASSERT_TRUE(replace_file(disk_, directory_ / "a", as_bytes("12345")));
  EXPECT_TRUE(read_file(disk_, directory_ / "a", 5));
  EXPECT_EQ(read_file(disk_, directory_ / "a", 4).error().kind(), ErrorKind::corrupt);
}

TEST_F(FileSystemTest, SpaceIsKnown) {
  const auto space = disk_.space(directory_.path());
  ASSERT_TRUE(space);
  EXPECT_GT(space->total_bytes, 0u);
  EXPECT_LE(space->free_bytes, space->total_bytes);
}

TEST_F(FileSystemTest, ASecondLockIsBusyAndNamesTheHolder) {
  auto first = disk_.lock(directory_ / "lock");
  ASSERT_TRUE(first) << first.error().message();
  const auto second = disk_.lock(directory_ / "lock");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind(), ErrorKind::busy);
  EXPECT_NE(second.error().message().find("held by process " + std::to_string(::getpid())), std::string::npos)
      << second.error().message();
  first->reset();
  EXPECT_TRUE(disk_.lock(directory_ / "lock"));
}

TEST_F(FileSystemTest, AFullDiskIsFull) {
  // A limit on the size of files stands in for the full disk: the same error path with another errno.
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    FileSystem disk;
    auto file = disk.open(directory_ / "a", OpenMode::create);
    const std::string text(8192, 'x');
    ::_exit(file && !(*file)->write_at(0, as_bytes(text)) ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(FileSystemTest, OutOfDescriptorsSaysWhatToDo) {
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto file = disk_.open(directory_ / "a", OpenMode::create);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().kind(), ErrorKind::full);
  EXPECT_NE(file.error().message().find("ulimit -n"), std::string::npos);
}

TEST_F(FileSystemTest, OnlyASyncThatBeganAfterTheWriteCoversIt) {
  auto opened = disk_.open(directory_ / "a", OpenMode::create);
  ASSERT_TRUE(opened);
  auto& file = dynamic_cast<PosixFile&>(**opened);
  EXPECT_TRUE(file.has_unsynced()) << "nobody knows what was written before it was opened";
  ASSERT_TRUE(file.sync());
  EXPECT_FALSE(file.has_unsynced());
  ASSERT_TRUE(file.write_at(0, as_bytes("x")));
  EXPECT_TRUE(file.has_unsynced());
  const auto early = file.sync_mark();
  ASSERT_TRUE(file.write_at(1, as_bytes("y")));
  file.note_synced(early);
  EXPECT_TRUE(file.has_unsynced());
  ASSERT_TRUE(file.sync());
  EXPECT_FALSE(file.has_unsynced());
}

TEST_F(FileSystemTest, NothingIsRetriedOnAFileWhoseSyncFailed) {
  auto opened = disk_.open(directory_ / "a", OpenMode::create);
  ASSERT_TRUE(opened);
  auto& file = dynamic_cast<PosixFile&>(**opened);
  file.note_sync_failed();
  EXPECT_FALSE(file.sync());
  const base::ByteSpan pieces[] = {as_bytes("x")};
  EXPECT_FALSE(file.write_pieces(0, pieces, true));
  EXPECT_TRUE(file.write_pieces(0, pieces, false));
}

TEST(AdvancePieces, GoesOnInsideAPiece) {
  std::byte memory[30];
  iovec pieces[] = {{memory, 10}, {memory + 10, 20}};
  std::size_t first = 0;
  EXPECT_EQ(advance_pieces(pieces, first, 13, false), 13u);
  EXPECT_EQ(first, 1u);
  EXPECT_EQ(pieces[1].iov_base, memory + 13);
  EXPECT_EQ(pieces[1].iov_len, 17u);
  EXPECT_EQ(advance_pieces(pieces, first, 17, false), 17u);
  EXPECT_EQ(first, 2u);
}

TEST(AdvancePieces, StaysAlignedForADirectFile) {
  std::byte memory[3 * disk_block_bytes];
  iovec pieces[] = {{memory, 2 * disk_block_bytes}, {memory + 2 * disk_block_bytes, disk_block_bytes}};
  std::size_t first = 0;
  EXPECT_EQ(advance_pieces(pieces, first, disk_block_bytes + 512, true), disk_block_bytes);
  EXPECT_EQ(pieces[0].iov_len, disk_block_bytes);
  EXPECT_EQ(advance_pieces(pieces, first, 2 * disk_block_bytes, true), 2 * disk_block_bytes);
  EXPECT_EQ(first, 2u);
}

// A file of 16 MiB, on the disk.
void write_large(Disk& disk, const std::string& path) {
  auto file = disk.open(path, OpenMode::create);
  ASSERT_TRUE(file) << file.error().message();
  const std::vector<std::byte> piece(1 << 20, std::byte{7});
  for (std::uint64_t i = 0; i < 16; ++i) ASSERT_TRUE((*file)->write_at(i << 20, piece));
  ASSERT_TRUE((*file)->sync());
}

void await_no_unreturned_bytes(const FileSystem& disk) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (disk.unreturned_bytes() > 0 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  ASSERT_EQ(disk.unreturned_bytes(), 0u);
}

// Descriptors of this process that belong to files without a name.
std::size_t open_nameless_files() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    count += std::filesystem::read_symlink(entry.path(), gone).string().ends_with("(deleted)") ? 1 : 0;
  }
  return count;
}

TEST_F(FileSystemTest, TheNameOfALargeFileGoesAtOnceAndItsBlocksSoon) {
  const std::size_t before = open_nameless_files();
  write_large(disk_, directory_ / "removed");
  write_large(disk_, directory_ / "replaced");
  write_large(disk_, directory_ / "new");
  ASSERT_TRUE(disk_.remove(directory_ / "removed"));
  ASSERT_TRUE(disk_.rename(directory_ / "new", directory_ / "replaced"));
  EXPECT_FALSE(disk_.exists(directory_ / "removed"));
  EXPECT_GT(disk_.unreturned_bytes(), 0u);
  await_no_unreturned_bytes(disk_);
  EXPECT_EQ(open_nameless_files(), before);
  EXPECT_EQ(std::filesystem::file_size(directory_ / "replaced"), 16u << 20);
}

TEST_F(FileSystemTest, WhoHasALargeFileOpenReadsItWholeAfterItsRemoval) {
  write_large(disk_, directory_ / "a");
  auto reader = disk_.open(directory_ / "a", OpenMode::read);
  ASSERT_TRUE(reader);
  ASSERT_TRUE(disk_.remove(directory_ / "a"));
  await_no_unreturned_bytes(disk_);  // it has been given up, and is the reader's to free
  EXPECT_EQ((*reader)->size().value(), 16u << 20);
  std::byte last[1];
  EXPECT_EQ((*reader)->read_at((16u << 20) - 1, last).value(), 1u);
  EXPECT_EQ(last[0], std::byte{7});
}

TEST_F(FileSystemTest, TheEndOfAFileSystemDoesNotWaitForBlocks) {
  auto disk = std::make_unique<FileSystem>();
  for (int i = 0; i < 8; ++i) {
    const std::string path = directory_ / std::to_string(i);
    write_large(*disk, path);
    ASSERT_TRUE(disk->remove(path));
  }
  disk.reset();
  EXPECT_EQ(open_nameless_files(), 0u);
}

}  // namespace
}  // namespace cms::storage
