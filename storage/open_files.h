// SPDX-License-Identifier: Apache-2.0
// The files that all logs of a process keep open, bounded: the one unused for longest is closed to make room, and
// opened again when it is asked for. Who holds a file keeps it open beyond that.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "storage/disk.h"

namespace cms::storage {

// Any thread.
class OpenFiles {
 public:
  enum class Use { reading, writing };  // one file may be open for both

  // The disk outlives this. At least one file is kept.
  OpenFiles(Disk& disk, std::size_t files_max);

  // The file, if it is open. Never blocks on the disk.
  std::shared_ptr<File> find(const std::string& path, Use use);

  // Opened with `mode` when it is not open yet. Blocks.
  base::Result<std::shared_ptr<File>> open(const std::string& path, Use use, OpenMode mode);

  // For files that are removed, renamed or idle.
  void forget(const std::string& path);

  Disk& disk() const { return disk_; }
  std::size_t size() const;

 private:
  struct Entry {
    std::string path;
    Use use;
    std::shared_ptr<File> file;
  };
  using Order = std::list<Entry>;  // used most recently first
  using ByPath = std::unordered_map<std::string, Order::iterator>;

  ByPath& by_path(Use use) { return use == Use::reading ? readers_ : writers_; }
  std::shared_ptr<File> find_locked(const std::string& path, Use use);

  Disk& disk_;
  const std::size_t files_max_;
  mutable std::mutex mutex_;
  Order order_;
  ByPath readers_;
  ByPath writers_;
};

}  // namespace cms::storage
