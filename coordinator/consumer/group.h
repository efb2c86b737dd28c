// SPDX-License-Identifier: Apache-2.0
// A consumer group on the protocol of KIP-848: the coordinator assigns, and every heartbeat says what one side has to
// tell the other. Members may still speak the classic protocol (see classic_members.cc), while the group has one
// member at least that does not, or may not be changed back.
//
// A heartbeat that changes nothing costs a look-up, and an assignment is computed once for an epoch of the group, at
// most once in an assignment interval.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "coordinator/classic/group.h"
#include "coordinator/classic/sessions.h"
#include "coordinator/consumer/journal.h"
#include "coordinator/consumer/reconcile.h"
#include "coordinator/consumer/state.h"
#include "coordinator/group.h"
#include "coordinator/log/records.h"
#include "protocol/consumer_protocol.h"

namespace cms::coordinator {

class ConsumerGroup final : public Group {
 public:
  // New, or to be read from the log. The environment outlives it. A new group whose first step was refused has no
  // record, nor a member: is_unused().
  ConsumerGroup(std::string id, const GroupEnvironment& environment);
  bool is_unused() const { return state_.epochs().group == GroupEpochs().group && state_.members().empty(); }

  // A record of this group, read again; loaded() follows the last. After the tombstone of ConsumerGroupMetadataKey the
  // group is nothing, and may be dropped.
  void replay(const Entry<ConsumerGroupMetadataKey>& entry);
  void replay(const Entry<ConsumerGroupPartitionMetadataKey>&) {}
  void replay(const Entry<ConsumerGroupMemberMetadataKey>& entry);
  void replay(const Entry<ConsumerGroupTargetAssignmentMetadataKey>& entry);
  void replay(const Entry<ConsumerGroupTargetAssignmentMemberKey>& entry);
  void replay(const Entry<ConsumerGroupCurrentMemberAssignmentKey>& entry);
  void replay(const Entry<ConsumerGroupRegularExpressionKey>& entry);

  // What becomes of a classic group that a member wants to join with this protocol: the group that takes its place,
  // having appended the records, told those that wait to join again, and emptied `classic`; or why it cannot, with
  // nothing changed. The join itself is to be served afterwards.
  using Upgrade = std::variant<std::unique_ptr<ConsumerGroup>, protocol::ConsumerGroupHeartbeatResponse>;
  static Upgrade upgrade(ClassicGroup& classic, const GroupEnvironment& environment, Now now, Effects& effects);

  const ConsumerState& state() const { return state_; }

  // --- Group.
  void join(Now now, const Call<protocol::JoinGroupRequest>& call, Effects& effects) override;
  void sync(Now now, const Call<protocol::SyncGroupRequest>& call, Effects& effects) override;
  protocol::HeartbeatResponse heartbeat(Now now, const Call<protocol::HeartbeatRequest>& call,
                                        Effects& effects) override;
  protocol::LeaveGroupResponse leave(Now now, const Call<protocol::LeaveGroupRequest>& call, Effects& effects) override;
  protocol::ConsumerGroupHeartbeatResponse heartbeat(Now now, const Call<protocol::ConsumerGroupHeartbeatRequest>& call,
                                                     Effects& effects) override;
  void tick(Now now, Effects& effects) override;
  void topics_changed(Now, Effects&) override {}  // the next heartbeat sees the catalog's generation
  void loaded(Now now, Effects& effects) override;

  ErrorCode check_commit(Now now, const OffsetClaim& claim) override;
  ErrorCode check_commit_of(const OffsetClaim& claim, const base::Uuid& topic_id,
                            std::int32_t partition) const override;
  ErrorCode check_fetch(const OffsetClaim& claim) const override;
  bool is_subscribed_to(std::string_view topic) const override { return state_.is_subscribed(topic); }
  Aging aging() const override { return Aging::only_unsubscribed; }
  base::TimestampMs empty_since_ms() const override { return 0; }

  ErrorCode why_not_deleted() const override;
  void append_tombstones(Effects& effects) const override;
  bool is_empty() const override { return state_.members().empty(); }
  std::string_view type_name() const override { return "consumer"; }
  std::string_view state_name() const override;
  std::string_view protocol_type() const override { return protocol::consumer_protocol_type; }
  std::optional<protocol::DescribeGroupsResponse::Group> describe_classic() const override { return {}; }
  std::optional<protocol::ConsumerGroupDescribeResponse::Group> describe_consumer() const override;
  std::unique_ptr<Group> take_successor(Now now, Effects& effects) override;

 private:
  using HeartbeatCall = Call<protocol::ConsumerGroupHeartbeatRequest>;
  using HeartbeatResponse = protocol::ConsumerGroupHeartbeatResponse;
  using JoinCall = Call<protocol::JoinGroupRequest>;

  struct Refusal {
    ErrorCode error = ErrorCode::none;
    std::string message;
  };
  template <typename T>
  using Admitted = std::variant<T, Refusal>;

  // What a step has changed of a member's subscription.
  struct SubscriptionChange {
    bool names = false;
    bool pattern = false;
    std::string old_pattern;
    bool any() const { return names || pattern; }
  };

  // --- heartbeat.cc
  bool changes_nothing(Now now, const HeartbeatCall& call, const ConsumerMember& member) const;
  HeartbeatResponse update(Now now, const HeartbeatCall& call, Effects& effects);
  HeartbeatResponse heartbeat_response(const HeartbeatCall& call, const std::string& member_id,
                                       const OwnedPartitions& before) const;

  // --- admission.cc: who speaks; a new member, or one in the place of another, is made.
  bool has_room_for(std::string_view member_id) const;
  Refusal check_epoch(const ConsumerMember& member, const protocol::ConsumerGroupHeartbeatRequest& request) const;
  Refusal admit(const HeartbeatCall& call, const std::string& member_id, Journal& journal);
  void replace_member(const std::string& old_id, const std::string& new_id, Journal& journal);

  // --- rebalance.cc: from a change to a new target, and a member's way there.
  SubscriptionChange change_metadata(const std::string& member_id, MemberMetadata metadata, Journal& journal);
  void refresh_subscriptions(Now now, const SubscriptionChange& change, Journal& journal);
  bool resolve_patterns(Now now, Journal& journal);
  bool patterns_are_due(Now now) const;
  bool may_assign(Now now) const;
  void update_target(Now now, Journal& journal);
  void reconcile_member(Now now, const std::string& member_id, bool subscription_changed,
                        const ReportedPartitions* reported, Journal& journal);
  std::string preferred_assignor() const;
  bool is_too_large(const Journal& journal) const;
  void take_back(Journal& journal);

  // --- leaving.cc
  HeartbeatResponse leave_by_heartbeat(Now now, const HeartbeatCall& call, Effects& effects);
  bool remove_members(Now now, const std::vector<std::string>& ids, Effects& effects);
  void forget_timers(std::string_view member_id);
  std::int32_t session_timeout_ms(const ConsumerMember& member) const;
  void set_wake();

  // --- classic_members.cc
  void join_classic_member(Now now, const JoinCall& call, const std::string& member_id,
                           const protocol::ConsumerSubscription& subscription, Effects& effects);
  ErrorCode check_classic_join(const JoinCall& call) const;
  ErrorCode admit_classic(const JoinCall& call, const std::string& member_id, Journal& journal);
  ErrorCode check_sync(Now now, const protocol::SyncGroupRequest& request);
  bool should_join_again(Now now, const ConsumerMember& member) const;
  // The member, or why not.
  std::variant<const std::string*, ErrorCode> find_classic(std::string_view member_id,
                                                           const std::optional<std::string>& instance_id) const;

  // --- conversion.cc
  bool may_become_classic(std::size_t member_count) const;
  bool become_classic(Now now, const std::vector<std::string>& without, bool rebalance, Effects& effects);
  ClassicState classic_state(const std::vector<std::string>& without) const;

  const GroupEnvironment& environment_;
  ConsumerState state_;
  std::unique_ptr<Group> successor_;

  // Known only while it runs.
  Sessions sessions_;                                  // who must be heard of
  Sessions revocations_;                               // who must say that it gave partitions up
  Sessions joins_;                                     // members on the classic protocol: who must join again, and then
  Sessions syncs_;                                     // get its assignment
  std::optional<std::uint64_t> seen_generation_;       // of the catalog, in the metadata hash
  std::uint64_t patterns_generation_ = 0;              // of the catalog, when all patterns were resolved,
  std::optional<base::TimestampMs> patterns_time_ms_;  // at this time
};

}  // namespace cms::coordinator
