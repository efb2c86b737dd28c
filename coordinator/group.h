// SPDX-License-Identifier: Apache-2.0
// One group of consumers (or of workers, with the classic protocol), of either kind. Owned by its shard.
//
// Pure: a step gets the time and an event, changes the group and says in Effects what is to happen. It knows no
// sockets, threads, disks or clocks. What it appends is taken as appended: a host whose log has
// failed goes back to what the log has.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/uuid.h"
#include "coordinator/call.h"
#include "coordinator/effects.h"
#include "coordinator/options.h"
#include "coordinator/topic_catalog.h"
#include "protocol/errors.h"
#include "protocol/messages/consumer_group.h"
#include "protocol/messages/group_admin.h"
#include "protocol/messages/groups.h"

namespace cms::coordinator {

using protocol::ErrorCode;

// What a group sees of the world. Outlives it.
struct GroupEnvironment {
  const Options& options;
  const TopicCatalog& topics;
  const GroupConfigs& group_configs;
  std::function<std::string()> new_member_suffix;  // a random UUID in text: member ids end with it
};

// Who says that it may commit or read offsets (OffsetCommit, OffsetFetch).
struct OffsetClaim {
  std::string_view member_id;
  std::string_view instance_id;           // empty: none
  std::int32_t generation_or_epoch = -1;  // -1 with no member id: from outside the group
  protocol::Version version = 0;
};

class Group {
 public:
  explicit Group(std::string id) : id_(std::move(id)) {}
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  virtual ~Group() = default;

  const std::string& id() const { return id_; }

  // --- Requests. JoinGroup and SyncGroup are replied to through Effects, now or in a later step.
  virtual void join(Now now, const Call<protocol::JoinGroupRequest>& call, Effects& effects) = 0;
  virtual void sync(Now now, const Call<protocol::SyncGroupRequest>& call, Effects& effects) = 0;
  virtual protocol::HeartbeatResponse heartbeat(Now now, const Call<protocol::HeartbeatRequest>& call,
                                                Effects& effects) = 0;
  virtual protocol::LeaveGroupResponse leave(Now now, const Call<protocol::LeaveGroupRequest>& call,
                                             Effects& effects) = 0;
  virtual protocol::ConsumerGroupHeartbeatResponse heartbeat(Now now,
                                                             const Call<protocol::ConsumerGroupHeartbeatRequest>& call,
                                                             Effects& effects) = 0;

  // --- Time. The host calls tick() at or soon after wake_at(); earlier calls do no harm.
  std::int64_t wake_at_ms() const { return wake_at_ms_; }
  virtual void tick(Now now, Effects& effects) = 0;

  // The catalog's generation has risen.
  virtual void topics_changed(Now now, Effects& effects) = 0;

  // After the log has been replayed: members that were there get a whole session to be heard of again.
  virtual void loaded(Now now, Effects& effects) = 0;

  // --- Offsets. A valid commit also keeps the member alive.
  virtual ErrorCode check_commit(Now now, const OffsetClaim& claim) = 0;
  // Asked for each partition of a commit that check_commit() has let through; an error is the answer to the whole
  // request. A member behind its epoch may still commit what it has been given at or before the epoch it says
  // (KIP-1251).
  virtual ErrorCode check_commit_of(const OffsetClaim&, const base::Uuid& /*topic_id*/,
                                    std::int32_t /*partition*/) const {
    return ErrorCode::none;
  }
  virtual ErrorCode check_fetch(const OffsetClaim& claim) const = 0;
  virtual bool is_subscribed_to(std::string_view topic) const = 0;

  // Since when (wall time) offsets of a topic that nobody is subscribed to age: the time since which the group has been
  // empty; none while it has members; for a group that never had a protocol type, the time of each commit.
  // `none`: no offset ages, as nobody can tell what members are subscribed to.
  enum class Aging { none, from_commit, from_empty, only_unsubscribed };
  virtual Aging aging() const = 0;
  virtual base::TimestampMs empty_since_ms() const = 0;

  // --- Administration.
  virtual ErrorCode why_not_deleted() const = 0;               // NON_EMPTY_GROUP, or none
  virtual void append_tombstones(Effects& effects) const = 0;  // of all its records but the offsets
  virtual bool is_empty() const = 0;                           // no members: it may go when it has no offsets either
  virtual std::string_view type_name() const = 0;              // "classic", "consumer": ListGroups
  virtual std::string_view state_name() const = 0;             // as the tools spell it
  virtual std::string_view protocol_type() const = 0;

  // The answer to DescribeGroups; none for a group that is not of the classic kind.
  virtual std::optional<protocol::DescribeGroupsResponse::Group> describe_classic() const = 0;
  // The answer to ConsumerGroupDescribe; none for a group that is not of the consumer kind.
  virtual std::optional<protocol::ConsumerGroupDescribeResponse::Group> describe_consumer() const = 0;

  // A group whose members have all changed to the other protocol (KIP-848): what takes its place, having appended what
  // the log must say of that and having moved what waits. Asked after every step; null for a group that stays.
  virtual std::unique_ptr<Group> take_successor(Now now, Effects& effects) = 0;

 protected:
  // tick() is to be called at `at_ms` or before.
  void wake_by(std::int64_t at_ms) { wake_at_ms_ = std::min(wake_at_ms_, at_ms); }
  void wake_exactly(std::int64_t at_ms) { wake_at_ms_ = at_ms; }

 private:
  const std::string id_;
  std::int64_t wake_at_ms_ = never;
};

}  // namespace cms::coordinator
