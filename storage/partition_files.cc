// SPDX-License-Identifier: Apache-2.0
#include "storage/partition_files.h"

#include "storage/formats.h"

namespace cms::storage {

using base::Result;

Result<void> PartitionFiles::make_directory() {
  if (directory_made_.load(std::memory_order_acquire)) return {};
  Disk& disk = files_.disk();
  std::vector<std::string> parents;  // whose names for what is below them are new, or were not synced by who made them
  for (std::string at = directory_; parents.empty() || !disk.exists(at); at = parents.back()) {
    const std::size_t slash = at.rfind('/');
    if (slash == 0 || slash == std::string::npos) {
      parents.push_back(slash == 0 ? "/" : ".");
      break;
    }
    parents.push_back(at.substr(0, slash));
  }
  if (Result<void> made = disk.make_directories(directory_); !made) return made;
  for (const std::string& parent : parents) {
    if (Result<void> synced = disk.sync_directory(parent); !synced) return synced;
  }
  directory_made_.store(true, std::memory_order_release);
  return {};
}

Result<void> PartitionFiles::write_checkpoint(base::ByteSpan content, std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  if (sequence <= written_sequence_) return {};
  Result<void> written = replace_file(files_.disk(), path(formats::checkpoint_name), content);
  if (written) written_sequence_ = sequence;
  return written;
}

void PartitionFiles::cancel_snapshots() {
  const std::lock_guard lock(mutex_);  // waits for the one under way
  generation_.fetch_add(1);
}

Result<void> PartitionFiles::write_snapshot(records::Offset next, base::ByteSpan content, std::uint64_t generation) {
  const std::lock_guard lock(mutex_);
  if (generation != generation_.load() || !files_.disk().exists(directory_)) return {};
  return replace_file(files_.disk(), path(formats::offset_name(next, formats::producers_suffix)), content);
}

Result<void> PartitionFiles::remove_snapshot(records::Offset next) {
  const std::string name = path(formats::offset_name(next, formats::producers_suffix));
  return files_.disk().exists(name) ? files_.disk().remove(name) : Result<void>();
}

Result<void> PartitionFiles::remove_segment(records::Offset base) {
  for (const std::string_view suffix : {formats::log_suffix, formats::index_suffix}) {
    const std::string name = path(formats::offset_name(base, suffix));
    files_.forget(name);
    if (!files_.disk().exists(name)) continue;
    if (Result<void> removed = files_.disk().remove(name); !removed) return removed;
  }
  return {};
}

}  // namespace cms::storage
