// SPDX-License-Identifier: Apache-2.0
// How far the groups of a shard have consumed: the latest commit of each group, topic and partition.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/string_hash.h"
#include "base/uuid.h"
#include "coordinator/effects.h"
#include "coordinator/log/records.h"

namespace cms::coordinator {

struct CommittedOffset {
  std::int64_t offset = -1;
  std::int32_t leader_epoch = -1;  // of the record before `offset`, as the client knew it; -1: it did not
  std::string metadata;            // the client's own
  base::TimestampMs commit_time_ms = 0;
  base::TimestampMs expire_time_ms = -1;  // asked for by clients before OffsetCommit 5; -1: the broker's retention
  base::Uuid topic_id;                    // zero: not known
};

// Changes append what the log must say of them. One shard's, under its lock.
class CommittedOffsets {
 public:
  using Partitions = std::map<std::int32_t, CommittedOffset>;
  using Topics = std::map<std::string, Partitions, std::less<>>;

  // Null when the group has none.
  const Topics* of_group(std::string_view group_id) const;
  const CommittedOffset* find(std::string_view group_id, std::string_view topic, std::int32_t partition) const;

  void commit(std::string_view group_id, std::string_view topic, std::int32_t partition, CommittedOffset offset,
              Effects& effects);
  void remove(std::string_view group_id, std::string_view topic, std::int32_t partition, Effects& effects);
  void remove_group(std::string_view group_id, Effects& effects);

  // Removes what `gone` says; returns how many.
  using Condition =
      std::function<bool(const std::string& topic, std::int32_t partition, const CommittedOffset& offset)>;
  std::size_t remove_if(std::string_view group_id, const Condition& gone, Effects& effects);

  // A record of the log, read again.
  void replay(const OffsetCommitKey& key, const OffsetCommitValue* value);

  std::size_t size() const { return size_; }
  void for_each_group(const std::function<void(const std::string& group_id)>& visit) const;

  // Bytes of the record that commit() appends, about.
  static std::size_t record_bytes(std::string_view group_id, std::string_view topic, std::string_view metadata);

 private:
  CommittedOffset& place(std::string_view group_id, std::string_view topic, std::int32_t partition);
  void erase(std::string_view group_id, std::string_view topic, std::int32_t partition);

  base::StringMap<Topics> groups_;
  std::size_t size_ = 0;
};

}  // namespace cms::coordinator
