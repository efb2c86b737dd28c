// SPDX-License-Identifier: Apache-2.0
// The real file system behind Disk: POSIX calls, direct writes where the file system can.
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <mutex>
#include <span>

#include "storage/disk.h"
#include "storage/space_returner.h"

namespace cms::storage {

// Any thread. The blocks of large files that are removed or replaced come back a little later than their names go.
class FileSystem final : public Disk {
 public:
  base::Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  base::Result<std::vector<std::string>> list(const std::string& directory) override;
  base::Result<void> make_directories(const std::string& path) override;
  base::Result<void> rename(const std::string& from, const std::string& to) override;
  base::Result<void> remove(const std::string& path) override;
  base::Result<void> sync_directory(const std::string& path) override;
  base::Result<SpaceInfo> space(const std::string& path) override;
  bool exists(const std::string& path) override;

  // flock(2): the kernel lets go when the process ends, however it ends. The holder's process id is the content.
  base::Result<std::unique_ptr<File>> lock(const std::string& path) override;

  // Of files that have gone already.
  std::uint64_t unreturned_bytes() const { return removed_.pending_bytes(); }

 private:
  SpaceReturner removed_;
};

// A file of the FileSystem, and what the IoQueues for real files need to know of it. It keeps whether something was
// written that no sync has covered: only when there is nothing may a write be made durable on its own (RWF_DSYNC,
// which is one request instead of two), because that covers no other write.
class PosixFile final : public File {
 public:
  PosixFile(std::string path, int descriptor, bool direct)
      : path_(std::move(path)), descriptor_(descriptor), direct_(direct) {}
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;
  ~PosixFile() override;

  base::Result<std::size_t> read_at(std::uint64_t position, base::MutableByteSpan into) override;
  base::Result<void> write_at(std::uint64_t position, base::ByteSpan bytes) override;
  base::Result<void> sync() override;
  base::Result<void> truncate(std::uint64_t size) override;
  base::Result<std::uint64_t> size() const override;
  bool direct() const override { return direct_; }
  int descriptor() const override { return descriptor_; }

  const std::string& path() const { return path_; }  // as it was opened; a rename does not change it

  // write_at() of several pieces in one request, and sync() if asked. Blocks.
  base::Result<std::size_t> write_pieces(std::uint64_t position, std::span<const base::ByteSpan> pieces, bool sync);

  // For reads of any alignment: a direct file is opened a second time, through the page cache, when it is first read.
  base::Result<int> read_descriptor();

  // A write that is not synced by itself is noted when it starts and when it has ended, so that a sync in between
  // does not count as covering it.
  void note_unsynced() { unsynced_.fetch_add(1); }
  std::uint64_t sync_mark() const { return unsynced_.load(); }  // taken before a sync starts
  void note_synced(std::uint64_t mark);
  bool has_unsynced() const { return unsynced_.load() != synced_.load(); }

  // After a failed sync every later one fails too: the kernel reports a lost page once only, and success would be a
  // lie.
  void note_sync_failed() { sync_failed_.store(true); }
  bool sync_failed() const { return sync_failed_.load(); }
  base::Error sync_failed_before() const;

 private:
  base::Result<void> write_vector(std::uint64_t position, std::vector<iovec>& pieces, int flags);

  const std::string path_;
  const int descriptor_;
  const bool direct_;
  std::once_flag read_opened_;
  int read_descriptor_ = -1;                // written once under read_opened_
  int read_error_ = 0;                      // the same
  std::atomic<std::uint64_t> unsynced_{1};  // who had it open before may have left something
  std::atomic<std::uint64_t> synced_{0};
  std::atomic<bool> sync_failed_{false};
};

// Leaves out the first `done` bytes of `pieces`, of which `first` is the first not yet written. With `direct` the step
// goes back to a block's beginning, so that what follows stays aligned. Returns the bytes left out.
std::size_t advance_pieces(std::span<iovec> pieces, std::size_t& first, std::size_t done, bool direct);

}  // namespace cms::storage
