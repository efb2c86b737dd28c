// SPDX-License-Identifier: Apache-2.0
// Files behind a seam: the real file system, or a simulated one that tears, drops and reorders what was not synced.
//
// Everything here blocks and belongs to set-up, recovery and background work. What the data path writes goes through
// IoQueue (storage/io_queue.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace cms::storage {

// Direct writes (O_DIRECT) need memory, position and size in multiples of this many bytes.
inline constexpr std::size_t disk_block_bytes = 4096;

enum class OpenMode {
  read,            // must exist
  read_piecewise,  // as read, with nothing read ahead of what is asked: work in the background must not hold the disk,
                   // a read-ahead may be megabytes, while a durable write waits behind it
  write,           // read and write; must exist
  create,          // read and write; made when missing
  write_direct,    // as write, past the page cache where the file system can; see File::direct()
  create_direct,   // as create, the same
};

constexpr bool is_read_only(OpenMode mode) { return mode == OpenMode::read || mode == OpenMode::read_piecewise; }

// One open file. Closed by its destructor, which writes nothing. Calls from several threads are allowed on disjoint
// ranges.
class File {
 public:
  virtual ~File() = default;

  // Fills `into` from `position`; fewer bytes only at the end of the file.
  virtual base::Result<std::size_t> read_at(std::uint64_t position, base::MutableByteSpan into) = 0;

  // All or an error; after an error what the range holds is unknown. Visible to other readers at once, on the disk only
  // after sync(). When direct(), memory, position and size must be multiples of disk_block_bytes.
  virtual base::Result<void> write_at(std::uint64_t position, base::ByteSpan bytes) = 0;

  // Everything written before, and the size needed to read it, is on the disk. After a failure the kernel may have
  // dropped the dirty pages: the caller must not try again on the same file (Rebello et al., ATC 2020).
  virtual base::Result<void> sync() = 0;

  virtual base::Result<void> truncate(std::uint64_t size) = 0;
  virtual base::Result<std::uint64_t> size() const = 0;

  // Whether writes must be aligned.
  virtual bool direct() const = 0;

  // For an IoQueue of the same Disk; -1 if it has none.
  virtual int descriptor() const = 0;
};

struct SpaceInfo {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;  // to us, not to root
};

// Paths are absolute or relative to the process. A name made, renamed or removed survives a crash only after
// sync_directory() of its directory.
class Disk {
 public:
  virtual ~Disk() = default;

  virtual base::Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual base::Result<std::vector<std::string>> list(const std::string& directory) = 0;  // names, sorted, no dots
  virtual base::Result<void> make_directories(const std::string& path) = 0;
  virtual base::Result<void> rename(const std::string& from, const std::string& to) = 0;  // replaces `to`
  virtual base::Result<void> remove(const std::string& path) = 0;  // a file or an empty directory
  virtual base::Result<void> sync_directory(const std::string& path) = 0;
  virtual base::Result<SpaceInfo> space(const std::string& path) = 0;
  virtual bool exists(const std::string& path) = 0;

  // Holds `path` against other processes until the result is destroyed; ErrorKind::busy when another one has it.
  virtual base::Result<std::unique_ptr<File>> lock(const std::string& path) = 0;
};

// The whole file; at most `bytes_max`, larger is an error.
base::Result<std::vector<std::byte>> read_file(Disk& disk, const std::string& path, std::size_t bytes_max);

// Writes to <path>.new, syncs, renames over `path`, syncs the directory: after a crash the old or the new content,
// whole.
base::Result<void> replace_file(Disk& disk, const std::string& path, base::ByteSpan content);

}  // namespace cms::storage
