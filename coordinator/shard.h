// SPDX-License-Identifier: Apache-2.0
// The groups and committed offsets whose log is one partition of `__consumer_offsets`.
//
// A pure state machine: step(now, call) -> effects (coordinator/effects.h says what the host owes it). The host calls
// one method at a time. Whatever is kept here can be rebuilt from the log by replay(), except who waits for what: after
// a restart those clients ask again.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "base/string_hash.h"
#include "coordinator/group.h"
#include "coordinator/log/records.h"
#include "coordinator/offsets/committed_offsets.h"
#include "protocol/messages/group_offsets.h"

namespace cms::coordinator {

class ConsumerGroup;

class Shard {
 public:
  // What the environment refers to outlives the shard.
  explicit Shard(GroupEnvironment environment);
  ~Shard();

  // --- Loading: every record of the log in order, then loaded(). `invalid` for a record that is not one; it is left
  // out and loading may go on.
  base::Result<void> replay(base::ByteSpan key, std::optional<base::ByteSpan> value);
  void loaded(Now now, Effects& effects);

  // --- Membership, classic protocol. The first two reply through Effects, now or in a later step.
  void step(Now now, const Call<protocol::JoinGroupRequest>& call, Effects& effects);
  void step(Now now, const Call<protocol::SyncGroupRequest>& call, Effects& effects);
  protocol::HeartbeatResponse step(Now now, const Call<protocol::HeartbeatRequest>& call, Effects& effects);
  protocol::LeaveGroupResponse step(Now now, const Call<protocol::LeaveGroupRequest>& call, Effects& effects);

  // --- Membership, KIP-848.
  protocol::ConsumerGroupHeartbeatResponse step(Now now, const Call<protocol::ConsumerGroupHeartbeatRequest>& call,
                                                Effects& effects);

  // --- Offsets. The host has made sure that every topic has both its name and its id, and that its partitions exist.
  protocol::OffsetCommitResponse step(Now now, const Call<protocol::OffsetCommitRequest>& call, Effects& effects);
  protocol::OffsetDeleteResponse step(Now now, const Call<protocol::OffsetDeleteRequest>& call, Effects& effects);
  protocol::OffsetFetchResponse::Group fetch_offsets(const protocol::OffsetFetchRequest::Group& wanted,
                                                     protocol::Version version) const;

  // --- Administration.
  ErrorCode delete_group(std::string_view group_id, Effects& effects);
  protocol::DescribeGroupsResponse::Group describe_classic(const std::string& group_id) const;
  protocol::ConsumerGroupDescribeResponse::Group describe_consumer(const std::string& group_id) const;
  void list(std::vector<protocol::ListGroupsResponse::Group>& into) const;

  // --- What happens around it.

  // Topics were made, changed or removed.
  void topics_changed(Now now, Effects& effects);

  // Offsets of topics that are gone go too. Looks at all offsets.
  void forget_removed_topics(Effects& effects);

  // Offsets that nobody has used for the retention time go, and groups without members and offsets with them. Called at
  // intervals (offsets.retention.check.interval.ms). At most `records_max` are appended; false when there is more.
  bool expire(Now now, std::size_t records_max, Effects& effects);

  // tick() is to be called at or soon after this steady time.
  std::int64_t wake_at_ms() const { return timers_.empty() ? never : timers_.begin()->first; }
  void tick(Now now, Effects& effects);

  std::size_t group_count() const { return groups_.size(); }
  std::size_t offset_count() const { return offsets_.size(); }

 private:
  struct Hosted {
    std::unique_ptr<Group> group;
    std::int64_t timer_ms = never;  // where it stands in timers_
  };
  using Groups = base::StringMap<Hosted>;

  Group* find(std::string_view group_id) const;
  Group& add(std::unique_ptr<Group> group);
  void remove(std::string_view group_id);

  // shard_replay.cc
  void replay(UnknownEntry& entry);
  void replay(Entry<OffsetCommitKey>& entry);
  void replay(Entry<GroupMetadataKey>& entry);
  void replay(Entry<ConsumerGroupMetadataKey>& entry);
  template <typename Key>
  void replay(Entry<Key>& entry);  // of the other records of consumer groups

  std::optional<protocol::ConsumerGroupHeartbeatResponse> prepare_consumer_group(Now now, const std::string& group_id,
                                                                                 Effects& effects);
  ConsumerGroup* consumer_group(const std::string& group_id, bool make);

  // After every step that could have changed the group.
  void settle(Now now, std::string_view group_id, Effects& effects);
  void set_timer(Hosted& hosted);

  ErrorCode may_commit(Now now, const Call<protocol::OffsetCommitRequest>& call);
  bool has_aged(const Group& group, Now now, const std::string& topic, const CommittedOffset& offset) const;

  GroupEnvironment environment_;
  Groups groups_;
  std::set<std::pair<std::int64_t, std::string>> timers_;  // by steady time, then group id
  CommittedOffsets offsets_;
};

}  // namespace cms::coordinator
