// SPDX-License-Identifier: Apache-2.0
// One member of a consumer group on the classic protocol, subscribed to one topic, with the range assignor.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "client/cluster.h"

namespace cms::client {

struct GroupMemberOptions {
  milliseconds session_timeout{45'000};    // without a heartbeat the group goes on without the member
  milliseconds rebalance_timeout{20'000};  // how long the others wait for it to join again
  milliseconds heartbeat_interval{1'000};
};

// One owner, one thread. Each call may be made over another Cluster, so that a member can still commit and leave when
// the wait on its connection was interrupted, which ends the connection.
class GroupMember {
 public:
  // The rebalance timeout is less than a connection's request timeout: a join is answered within it.
  GroupMember(std::string group, std::string topic, GroupMemberOptions options = {});

  // Becomes a member, or one of the next generation, and has partitions() then. What was not committed before is read
  // again, by this member or another. Waits for the other members.
  Result<void> join(Cluster& cluster);

  // When one is due. False when the group is rebalancing: commit, then join() again.
  Result<bool> heartbeat(Cluster& cluster, base::Nanoseconds now);

  // The next offset to read of each partition. False when the group has gone on without this generation; join() again.
  Result<bool> commit(Cluster& cluster, const std::map<std::int32_t, std::int64_t>& positions);

  // At once, so that the others need not wait for the session to time out.
  Result<void> leave(Cluster& cluster);

  // Of the topic, in order.
  const std::vector<std::int32_t>& partitions() const { return partitions_; }

 private:
  Result<protocol::JoinGroupResponse> ask_to_join(Cluster& cluster);
  Result<bool> synchronize(Cluster& cluster, const protocol::JoinGroupResponse& joined);

  const std::string group_;
  const std::string topic_;
  const GroupMemberOptions options_;
  std::string member_id_;  // empty: not known to the group
  std::int32_t generation_ = -1;
  base::Nanoseconds heartbeat_due_{};
  std::vector<std::int32_t> partitions_;
};

}  // namespace cms::client
