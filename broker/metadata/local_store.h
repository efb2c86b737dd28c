// SPDX-License-Identifier: Apache-2.0
// A ConfigurationStore in one directory: a snapshot and a log of the batches since (docs/metadata_format.md).
//
// Everything is held in memory; the directory is read once, at open. apply() returns after the sync that covers the
// batch. When the log is larger than what is alive it is folded into a new snapshot. A torn last batch, which nobody
// was told of, is cut off and kept in a file *.corrupt-<time>; damage before intact batches is an error that names
// file, position and what to do. After a write that failed (a full disk) the log is
// as before; after a failed sync the store takes no more changes until it is opened again.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "broker/metadata/configuration_store.h"
#include "storage/disk.h"

namespace cms::broker {

class LocalStore final : public ConfigurationStore {
 public:
  struct Limits {
    std::size_t log_bytes_min = 1024 * 1024;         // a smaller log is not folded
    std::size_t live_bytes_max = 256 * 1024 * 1024;  // apply() that would pass it is ErrorKind::full
  };

  // `directory` is made when missing. One process at a time: the caller holds the lock of the data directory. `disk`
  // and `clock` outlive the store.
  static base::Result<std::unique_ptr<LocalStore>> open(storage::Disk& disk, const base::Clock& clock,
                                                        std::string directory, Limits limits);
  static base::Result<std::unique_ptr<LocalStore>> open(storage::Disk& disk, const base::Clock& clock,
                                                        std::string directory) {
    return open(disk, clock, std::move(directory), Limits{});
  }

  base::Result<std::optional<StoredEntry>> get(std::string_view key) override;
  base::Result<std::vector<StoredEntry>> list(std::string_view prefix) override;
  base::Result<ApplyOutcome> apply(std::span<const StoreChange> changes) override;

  // What open() had to do, for the log: empty when nothing.
  const std::string& recovery_note() const { return recovery_note_; }

 private:
  struct Value {
    std::string text;
    Revision version = 0;
  };
  using Values = std::map<std::string, Value, std::less<>>;

  LocalStore(storage::Disk& disk, const base::Clock& clock, std::string directory, Limits limits);

  // Of open().
  base::Result<void> read_snapshot();
  base::Result<void> read_log();
  base::Result<std::size_t> replay(base::ByteSpan content);
  base::Result<void> cut_torn_tail(base::ByteSpan content, std::size_t intact);
  base::Error damaged(const std::string& path, std::size_t position, std::string_view what) const;

  // Of apply(), with write_mutex_ held.
  base::Result<void> check(std::span<const StoreChange> changes) const;
  std::string conflicting_key(std::span<const StoreChange> changes);
  base::Result<void> append(std::string_view frame);
  void take(std::span<const StoreChange> changes, Revision revision);

  // Snapshot of everything, then an empty log. A failure before the log is touched changes nothing.
  void fold();
  base::Result<void> write_snapshot();
  base::Result<void> start_log();

  // Fixed after construction.
  storage::Disk& disk_;
  const base::Clock& clock_;
  const std::string directory_;
  const std::string snapshot_path_;
  const std::string log_path_;
  const Limits limits_;
  std::string recovery_note_;

  // One apply() at a time; taken before values_mutex_.
  std::mutex write_mutex_;
  std::unique_ptr<storage::File> log_;
  std::uint64_t log_end_ = 0;
  std::uint64_t fold_at_ = 0;  // log_end_ from which on a fold is tried
  bool failed_ = false;

  std::mutex values_mutex_;  // short
  Values values_;
  Revision revision_ = 0;
  std::size_t live_bytes_ = 0;  // of keys and values
};

}  // namespace cms::broker
