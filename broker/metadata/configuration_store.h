// SPDX-License-Identifier: Apache-2.0
// Where brokers keep what must outlive them: a small versioned map from names to values. A local log on one machine
// (local_store.h); etcd in a cluster, whose revisions, prefixes and transactions have these shapes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cms::broker {

// Grows by one with each applied batch. A key's version is the revision of the batch that last set it.
using Revision = std::uint64_t;

struct StoredEntry {
  std::string key;
  std::string value;
  Revision version = 0;

  bool operator==(const StoredEntry&) const = default;
};

struct StoreChange {
  std::string key;
  std::optional<std::string> value;          // absent: delete; deleting what is not there is no error
  std::optional<Revision> expected_version;  // absent: whatever it is; 0: the key must not exist
};

struct ApplyOutcome {
  bool applied = false;
  Revision revision = 0;  // of the store, after the batch or as it was
  std::string conflict;   // not applied: the first key whose version is not the expected one
};

// Bounds on one entry and one batch, so that every implementation can hold them (etcd: 128 operations, 1.5 MiB).
inline constexpr std::size_t store_key_bytes_max = 1024;
inline constexpr std::size_t store_value_bytes_max = 512 * 1024;
inline constexpr std::size_t store_batch_changes_max = 128;
inline constexpr std::size_t store_batch_bytes_max = 1024 * 1024;

// Calls block for as long as the disk or the network takes: never from the data path. Any thread.
class ConfigurationStore {
 public:
  virtual ~ConfigurationStore() = default;

  virtual base::Result<std::optional<StoredEntry>> get(std::string_view key) = 0;

  // Sorted by key.
  virtual base::Result<std::vector<StoredEntry>> list(std::string_view prefix) = 0;

  // All of the changes or none, durable when it returns. A key occurs once in a batch. After an error whether the batch
  // was applied is unknown until the store is opened again.
  virtual base::Result<ApplyOutcome> apply(std::span<const StoreChange> changes) = 0;
};

}  // namespace cms::broker
