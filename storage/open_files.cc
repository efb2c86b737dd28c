// SPDX-License-Identifier: Apache-2.0
#include "storage/open_files.h"

namespace cms::storage {

OpenFiles::OpenFiles(Disk& disk, std::size_t files_max) : disk_(disk), files_max_(files_max == 0 ? 1 : files_max) {}

std::shared_ptr<File> OpenFiles::find(const std::string& path, Use use) {
  const std::lock_guard lock(mutex_);
  return find_locked(path, use);
}

std::shared_ptr<File> OpenFiles::find_locked(const std::string& path, Use use) {
  const ByPath& open = by_path(use);
  const auto found = open.find(path);
  if (found == open.end()) return nullptr;
  order_.splice(order_.begin(), order_, found->second);
  return found->second->file;
}

base::Result<std::shared_ptr<File>> OpenFiles::open(const std::string& path, Use use, OpenMode mode) {
  if (std::shared_ptr<File> file = find(path, use)) return file;
  base::Result<std::unique_ptr<File>> opened = disk_.open(path, mode);
  if (!opened) return opened.error();
  std::shared_ptr<File> file = std::move(*opened);
  std::shared_ptr<File> closed;  // outside the lock
  const std::lock_guard lock(mutex_);
  if (std::shared_ptr<File> meanwhile = find_locked(path, use)) return meanwhile;
  order_.push_front({path, use, file});
  by_path(use)[path] = order_.begin();
  if (order_.size() > files_max_) {
    Entry& oldest = order_.back();
    closed = std::move(oldest.file);
    by_path(oldest.use).erase(oldest.path);
    order_.pop_back();
  }
  return file;
}

void OpenFiles::forget(const std::string& path) {
  const std::lock_guard lock(mutex_);
  for (const Use use : {Use::reading, Use::writing}) {
    ByPath& open = by_path(use);
    const auto found = open.find(path);
    if (found == open.end()) continue;
    order_.erase(found->second);
    open.erase(found);
  }
}

std::size_t OpenFiles::size() const {
  const std::lock_guard lock(mutex_);
  return order_.size();
}

}  // namespace cms::storage
