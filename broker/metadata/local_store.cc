// SPDX-License-Identifier: Apache-2.0
#include "broker/metadata/local_store.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "broker/metadata/store_format.h"

namespace cms::broker {

using base::ByteSpan;
using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

// Larger than any file this class writes: live data, and a log of at most as much again.
constexpr std::size_t file_bytes_max = std::size_t{2} * 1024 * 1024 * 1024;

// Makes `directory` so that it is there after a loss of power: a name is on the disk when the directory it stands in is
// synced. All of them, since a run that was killed may have made some and synced none.
Result<void> make_durable_directories(storage::Disk& disk, const std::string& directory) {
  if (auto made = disk.make_directories(directory); !made) return made;
  std::string path = std::filesystem::path(directory).lexically_normal().string();
  while (path.find_first_not_of('/') != std::string::npos) {
    const std::string parent = std::filesystem::path(path).parent_path().string();
    const auto synced = disk.sync_directory(parent.empty() ? "." : parent);
    // Who may not read a directory has made nothing in it either.
    if (!synced && synced.error().kind() != ErrorKind::denied) return synced;
    path = parent;
  }
  return {};
}

bool begins_with(ByteSpan content, std::string_view magic) { return base::as_text(content).starts_with(magic); }

}  // namespace

LocalStore::LocalStore(storage::Disk& disk, const base::Clock& clock, std::string directory, Limits limits)
    : disk_(disk),
      clock_(clock),
      directory_(std::move(directory)),
      snapshot_path_(directory_ + "/metadata.snapshot"),
      log_path_(directory_ + "/metadata.log"),
      limits_(limits),
      fold_at_(limits.log_bytes_min) {}

Result<std::unique_ptr<LocalStore>> LocalStore::open(storage::Disk& disk, const base::Clock& clock,
                                                     std::string directory, Limits limits) {
  std::unique_ptr<LocalStore> store(new LocalStore(disk, clock, std::move(directory), limits));
  const std::string action = "opening the metadata in " + store->directory_;
  if (auto made = make_durable_directories(disk, store->directory_); !made) return made.error().while_doing(action);
  if (auto read = store->read_snapshot(); !read) return read.error().while_doing(action);
  if (auto read = store->read_log(); !read) return read.error().while_doing(action);
  return store;
}

Result<void> LocalStore::read_snapshot() {
  if (!disk_.exists(snapshot_path_)) return {};
  const auto content = storage::read_file(disk_, snapshot_path_, file_bytes_max);
  if (!content) return content.error();
  // It was written whole before it got its name; whatever is wrong with it was not a crash.
  if (!begins_with(*content, snapshot_file_magic))
    return damaged(snapshot_path_, 0, "does not begin as a snapshot does");
  const auto frame = read_frame(ByteSpan(*content).subspan(snapshot_file_magic.size()));
  const auto entries = frame ? read_entries(frame->body) : std::nullopt;
  if (!entries) return damaged(snapshot_path_, snapshot_file_magic.size(), "does not match its checksum");
  for (const StoredEntry& entry : *entries) {
    live_bytes_ += entry.key.size() + entry.value.size();
    values_.insert_or_assign(entry.key, Value{entry.value, entry.version});
  }
  revision_ = frame->revision;
  return {};
}

Result<void> LocalStore::read_log() {
  if (!disk_.exists(log_path_)) {
    if (!disk_.exists(snapshot_path_)) return start_log();
    return Error(ErrorKind::corrupt,
                 log_path_ +
                     " is missing though there is a snapshot: changes since it are lost. Put the file back, or, to "
                     "go on without them, make it empty: touch " +
                     log_path_);
  }
  const auto content = storage::read_file(disk_, log_path_, file_bytes_max);
  if (!content) return content.error();
  // Only a person makes it empty: it is born with its first bytes.
  if (content->empty()) return start_log();
  if (!begins_with(*content, log_file_magic)) return damaged(log_path_, 0, "does not begin as a log does");
  const auto intact = replay(*content);
  if (!intact) return intact.error();
  auto file = disk_.open(log_path_, storage::OpenMode::write);
  if (!file) return file.error();
  log_ = std::move(*file);
  log_end_ = *intact;
  if (*intact < content->size()) return cut_torn_tail(*content, *intact);
  return {};
}

// Applies the batches and returns where the last good one ends.
Result<std::size_t> LocalStore::replay(ByteSpan content) {
  std::size_t at = log_file_magic.size();
  while (const auto frame = read_frame(content.subspan(at))) {
    const auto changes = read_batch(frame->body);
    if (!changes) return damaged(log_path_, at, "holds a batch that no version wrote");
    // A crash between a new snapshot and its empty log leaves batches that the snapshot has already.
    if (frame->revision > revision_) {
      if (frame->revision != revision_ + 1) return damaged(log_path_, at, "lacks the batches before this one");
      take(*changes, frame->revision);
    }
    at += frame->size;
  }
  if (judge_tail(content.subspan(at)) == TailKind::damaged)
    return damaged(log_path_, at, "is damaged before intact batches");
  return at;
}

Result<void> LocalStore::cut_torn_tail(ByteSpan content, std::size_t intact) {
  const std::string kept = log_path_ + ".corrupt-" + std::to_string(clock_.now_ms());
  if (auto copied = storage::replace_file(disk_, kept, content.subspan(intact)); !copied) return copied.error();
  if (auto cut = log_->truncate(intact); !cut) return cut;
  if (auto synced = log_->sync(); !synced) return synced;
  recovery_note_ = "cut " + std::to_string(content.size() - intact) + " bytes of an unfinished batch at " +
                   std::to_string(intact) + " of " + log_path_ + ", kept in " + kept;
  return {};
}

Error LocalStore::damaged(const std::string& path, std::size_t position, std::string_view what) const {
  std::string message = path + " " + std::string(what) + " (position " + std::to_string(position) + "). Restore " +
                        directory_ + " from a backup";
  if (path == log_path_ && position > 0) {
    message += ", or, to go on without this batch and all later ones, keep a copy and run: truncate -s " +
               std::to_string(position) + " " + path;
  }
  return {ErrorKind::corrupt, std::move(message)};
}

Result<std::optional<StoredEntry>> LocalStore::get(std::string_view key) {
  const std::lock_guard lock(values_mutex_);
  const auto found = values_.find(key);
  if (found == values_.end()) return std::optional<StoredEntry>();
  return std::optional(StoredEntry{found->first, found->second.text, found->second.version});
}

Result<std::vector<StoredEntry>> LocalStore::list(std::string_view prefix) {
  const std::lock_guard lock(values_mutex_);
  std::vector<StoredEntry> entries;
  for (auto at = values_.lower_bound(prefix); at != values_.end() && at->first.starts_with(prefix); ++at) {
    entries.push_back({at->first, at->second.text, at->second.version});
  }
  return entries;
}

Result<ApplyOutcome> LocalStore::apply(std::span<const StoreChange> changes) {
  const std::lock_guard writing(write_mutex_);
  if (failed_) {
    return Error(ErrorKind::closed,
                 log_path_ + " takes no more changes after an error; free or repair the disk and restart");
  }
  if (auto checked = check(changes); !checked) return checked.error();
  if (std::string key = conflicting_key(changes); !key.empty()) return ApplyOutcome{false, revision_, std::move(key)};
  if (auto appended = append(write_frame(revision_ + 1, write_batch(changes))); !appended) {
    return appended.error().while_doing("storing metadata in " + log_path_);
  }
  {
    const std::lock_guard lock(values_mutex_);
    take(changes, revision_ + 1);
  }
  if (log_end_ > fold_at_ && log_end_ > live_bytes_) fold();
  return ApplyOutcome{true, revision_, {}};
}

Result<void> LocalStore::check(std::span<const StoreChange> changes) const {
  const Error wrong(ErrorKind::invalid, "a batch of metadata is empty, too large, or names a key twice");
  if (changes.empty() || changes.size() > store_batch_changes_max) return wrong;
  std::set<std::string_view> keys;
  std::size_t bytes = 0;
  for (const StoreChange& change : changes) {
    const std::size_t value_bytes = change.value ? change.value->size() : 0;
    bytes += change.key.size() + value_bytes;
    const bool fits = change.key.size() <= store_key_bytes_max && value_bytes <= store_value_bytes_max;
    if (!fits || change.key.empty() || !keys.insert(change.key).second) return wrong;
  }
  if (bytes > store_batch_bytes_max) return wrong;
  const bool grows = std::ranges::any_of(changes, [](const StoreChange& change) { return change.value.has_value(); });
  if (grows && live_bytes_ + bytes > limits_.live_bytes_max) {
    return Error(ErrorKind::full, "the metadata in " + directory_ + " has reached its limit of " +
                                      std::to_string(limits_.live_bytes_max) + " bytes; delete topics");
  }
  return {};
}

std::string LocalStore::conflicting_key(std::span<const StoreChange> changes) {
  // Only apply() changes values_, and there is one at a time: reading without values_mutex_ races with nobody.
  for (const StoreChange& change : changes) {
    const auto found = values_.find(change.key);
    const Revision version = found == values_.end() ? 0 : found->second.version;
    if (change.expected_version && *change.expected_version != version) return change.key;
  }
  return {};
}

Result<void> LocalStore::append(std::string_view frame) {
  if (auto written = log_->write_at(log_end_, base::as_bytes(frame)); !written) {
    // A full disk, as a rule: without the half-written frame the log is as it was. Nothing of it was synced.
    failed_ = !log_->truncate(log_end_) || !log_->sync();
    return written;
  }
  if (auto synced = log_->sync(); !synced) {
    failed_ = true;  // what reached the disk is unknown
    return synced;
  }
  log_end_ += frame.size();
  return {};
}

void LocalStore::take(std::span<const StoreChange> changes, Revision revision) {
  for (const StoreChange& change : changes) {
    const auto found = values_.find(change.key);
    if (found != values_.end()) live_bytes_ -= found->first.size() + found->second.text.size();
    if (change.value) {
      live_bytes_ += change.key.size() + change.value->size();
      values_.insert_or_assign(change.key, Value{*change.value, revision});
    } else if (found != values_.end()) {
      values_.erase(found);
    }
  }
  revision_ = revision;
}

void LocalStore::fold() {
  if (!write_snapshot()) {
    fold_at_ = 2 * log_end_;  // a full disk, perhaps: the log still holds everything, so try again later
    return;
  }
  // The name of the log may point to the new file already, so nothing more goes into the old one.
  if (!start_log()) failed_ = true;
  fold_at_ = limits_.log_bytes_min;
}

Result<void> LocalStore::write_snapshot() {
  std::string body;
  body.reserve(live_bytes_ + values_.size() * 16);
  for (const auto& [key, value] : values_) append_entry(body, key, value.text, value.version);
  return storage::replace_file(disk_, snapshot_path_,
                               base::as_bytes(std::string(snapshot_file_magic) + write_frame(revision_, body)));
}

Result<void> LocalStore::start_log() {
  if (auto made = storage::replace_file(disk_, log_path_, base::as_bytes(log_file_magic)); !made) return made;
  auto file = disk_.open(log_path_, storage::OpenMode::write);
  if (!file) return file.error();
  log_ = std::move(*file);
  log_end_ = log_file_magic.size();
  return {};
}

}  // namespace cms::broker
