// SPDX-License-Identifier: Apache-2.0
// What groups have consumed: committed offsets, read, set and removed from outside of the group.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "client/groups.h"

namespace cms::client {

struct CommittedOffset {
  std::int64_t offset = -1;
  std::int32_t leader_epoch = -1;
  std::string metadata;
};

using CommittedOffsets = std::map<TopicPartition, CommittedOffset>;

// Where each partition is; those that are not there, or without a leader, are left out.
using PartitionOffsets = std::map<TopicPartition, std::int64_t>;

// All that the group has; none for a group that is not there.
Result<CommittedOffsets> committed_offsets(Cluster& cluster, const std::string& group);

// The same of many groups, with few round trips. Groups whose coordinator refuses are left out.
Result<std::map<std::string, CommittedOffsets>> committed_offsets(Cluster& cluster,
                                                                  std::span<const std::string> groups);

// The group must have no members; one that is not there is made.
Result<void> commit_offsets(Cluster& cluster, const std::string& group, const PartitionOffsets& offsets);

// No member may be subscribed to the topics: GROUP_SUBSCRIBED_TO_TOPIC. A partition without an offset is no error.
Result<void> delete_offsets(Cluster& cluster, const std::string& group, const std::set<TopicPartition>& partitions);

// By time, earliest_offset or latest_offset (admin.h); a partition without a record that young is left out too. One
// request to each leader.
Result<PartitionOffsets> list_offsets(Cluster& cluster, const std::set<TopicPartition>& partitions,
                                      std::int64_t timestamp);

}  // namespace cms::client
