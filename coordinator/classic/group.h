// SPDX-License-Identifier: Apache-2.0
// A group on the classic protocol: its members agree on one of their embedded protocols and the leader, one of them,
// assigns (KIP-62, KIP-345, KIP-394, KIP-800, KIP-814). What they say to each other is opaque bytes here; their type
// may be `consumer`, `connect` or any other.
//
//            first join                 joined, or time is up            the leader's SyncGroup
//   empty --------------> preparing ------------------------> completing ----------------------> stable
//     ^     initial delay     ^  |      generation rises           |                               |
//     |                       |  |                                 |                               |
//     +-----------------------|--+ nobody joined                   |                               |
//                             +------------------------------------+-------------------------------+
//                                 join of another or with other metadata, leave, session over
//
// It is written to the log when it comes to rest: empty, stable, or when a static member gets another id. What is
// written is never ahead of what members have been told, nor behind what they may rely on after a restart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/classic/members.h"
#include "coordinator/classic/sessions.h"
#include "coordinator/classic/state.h"
#include "coordinator/group.h"

namespace cms::coordinator {

// What refuses a JoinGroup whatever group it is for: asked by the shard before it makes one. join() asks it too.
ErrorCode check_join(const ClassicOptions& options, const protocol::JoinGroupRequest& request);

// The answer to a JoinGroup that is refused.
protocol::JoinGroupResponse refused_join(std::string member_id, ErrorCode error);
protocol::SyncGroupResponse refused_sync(ErrorCode error);

class ClassicGroup final : public Group {
 public:
  enum class Phase { empty, preparing_rebalance, completing_rebalance, stable };

  // New: empty, of no protocol type until a member joins. Its first step appends its record. The environment outlives
  // the group.
  ClassicGroup(std::string id, const GroupEnvironment& environment);

  // As the log has it, or as it was on the other protocol. Sessions begin with loaded() or converted().
  static std::unique_ptr<ClassicGroup> restore(const GroupEnvironment& environment, ClassicState state);

  // --- Between the two protocols.

  // Of a group made by restore() from what was a consumer group: appends its record, begins sessions, and has all
  // members rejoin if `rebalance` is set.
  void converted(Now now, bool rebalance, Effects& effects);

  // Who waits is told to join again, and the group is left without members, to be destroyed. Appends nothing.
  ClassicState release(Effects& effects);

  Phase phase() const { return phase_; }
  std::int32_t generation() const { return generation_; }
  const std::optional<std::string>& protocol_name() const { return protocol_name_; }
  const ClassicMembers& members() const { return members_; }
  ClassicState state() const;

  // --- Group.
  void join(Now now, const Call<protocol::JoinGroupRequest>& call, Effects& effects) override;
  void sync(Now now, const Call<protocol::SyncGroupRequest>& call, Effects& effects) override;
  protocol::HeartbeatResponse heartbeat(Now now, const Call<protocol::HeartbeatRequest>& call,
                                        Effects& effects) override;
  protocol::LeaveGroupResponse leave(Now now, const Call<protocol::LeaveGroupRequest>& call, Effects& effects) override;
  protocol::ConsumerGroupHeartbeatResponse heartbeat(Now now, const Call<protocol::ConsumerGroupHeartbeatRequest>& call,
                                                     Effects& effects) override;
  void tick(Now now, Effects& effects) override;
  void topics_changed(Now, Effects&) override {}
  void loaded(Now now, Effects& effects) override;

  ErrorCode check_commit(Now now, const OffsetClaim& claim) override;
  ErrorCode check_fetch(const OffsetClaim& claim) const override;
  bool is_subscribed_to(std::string_view topic) const override;
  Aging aging() const override;
  base::TimestampMs empty_since_ms() const override;

  ErrorCode why_not_deleted() const override;
  void append_tombstones(Effects& effects) const override;
  bool is_empty() const override { return phase_ == Phase::empty; }
  std::string_view type_name() const override { return "classic"; }
  std::string_view state_name() const override;
  std::string_view protocol_type() const override;
  std::optional<protocol::DescribeGroupsResponse::Group> describe_classic() const override;
  std::optional<protocol::ConsumerGroupDescribeResponse::Group> describe_consumer() const override { return {}; }
  std::unique_ptr<Group> take_successor(Now, Effects&) override { return nullptr; }

 private:
  using JoinCall = Call<protocol::JoinGroupRequest>;

  // Of ids given out and not used yet: a client that asks for them in a loop must not fill the memory. Whose id has
  // been forgotten asks for another.
  static constexpr std::size_t pending_bytes_max = 16 << 20;
  static std::size_t pending_bytes(const std::string& id) { return id.size() + 200; }

  // --- join.cc
  void serve_join(Now now, const JoinCall& call, Effects& effects);
  void join_new_member(Now now, const JoinCall& call, Effects& effects);
  void join_known_member(Now now, const JoinCall& call, JoinedMember& member, Effects& effects);
  void add_member(Now now, const JoinCall& call, std::string id, Effects& effects);
  void update_member(const JoinCall& call, JoinedMember& member, Effects& effects);
  void add_pending_member(Now now, const JoinCall& call, std::string id, Effects& effects);
  bool has_room_for(const std::string& member_id) const;
  bool supports(const protocol::JoinGroupRequest& request) const;
  protocol::JoinGroupResponse join_response(const JoinedMember& member) const;
  std::vector<protocol::JoinGroupResponse::Member> list_for_leader() const;

  // --- static_members.cc
  void replace_static_member(Now now, const JoinCall& call, std::string old_id, std::string new_id, Effects& effects);
  void return_to_stable_group(Now now, const JoinCall& call, JoinedMember& member, const ClassicMember& before,
                              Effects& effects);

  // --- rebalance.cc
  void rebalance_or_complete(Now now, Effects& effects);
  void prepare_rebalance(Now now, Effects& effects);
  void complete_if_all_joined(Now now, Effects& effects);
  void complete_join(Now now, Effects& effects);
  void end_initial_delay(Now now, Effects& effects);
  void drop_unsynced(Now now, Effects& effects);
  bool all_joined() const;
  void set_phase(Now now, Phase phase);
  void tell_generation(Now now, Effects& effects);
  void expire(Now now, const std::string& member_id, Effects& effects);

  // --- sync.cc
  ErrorCode check_sync(const Call<protocol::SyncGroupRequest>& call) const;
  protocol::SyncGroupResponse sync_response(const JoinedMember& member) const;
  void assign(Now now, const protocol::SyncGroupRequest& request, Effects& effects);
  void fail_assignment(Now now, ErrorCode error, Effects& effects);
  void mark_synced(JoinedMember& member);

  // --- membership.cc
  ErrorCode check_member(std::string_view member_id, std::optional<std::string_view> instance_id) const;
  ErrorCode leave_one(std::string_view member_id, const std::optional<std::string>& instance_id, bool& removed,
                      Effects& effects);
  void remove(JoinedMember& member, Effects& effects);
  void forget_pending(std::string_view id);
  void keep_alive(Now now, const JoinedMember& member);
  void answer_waiting(JoinedMember& member, std::string member_id, ErrorCode error, Effects& effects);

  // --- record.cc
  bool append_record(Effects& effects);  // false, and nothing done, if it is larger than a step may append
  void find_subscribed_topics();

  void set_wake();

  const GroupEnvironment& environment_;

  Phase phase_ = Phase::empty;
  Phase phase_before_ = Phase::empty;
  std::optional<base::TimestampMs> phase_since_ms_;  // wall time
  std::int32_t generation_ = 0;
  std::optional<std::string> protocol_type_;
  std::optional<std::string> protocol_name_;
  ClassicMembers members_;
  std::size_t unsynced_ = 0;  // members that have been told the generation and have not sent SyncGroup

  // Topics that members of type `consumer` subscribed to when the generation began; none if their bytes are not to be
  // understood, or another type's.
  std::optional<std::set<std::string, std::less<>>> subscribed_topics_;

  // Ids given to members that have not joined with them yet (KIP-394).
  std::set<std::string, std::less<>> pending_;
  std::size_t pending_bytes_ = 0;  // <= pending_bytes_max

  Sessions sessions_;                       // of members and pending ones
  std::int64_t join_until_ms_ = never;      // preparing: when it goes on without those missing
  std::int64_t sync_until_ms_ = never;      // completing, stable: when those go that have not synced
  std::int64_t initial_delay_ms_ = 0;       // of the present wait
  std::int64_t initial_delay_left_ms_ = 0;  // by which the wait may be prolonged
  bool joined_in_delay_ = false;
  bool has_record_ = false;
};

}  // namespace cms::coordinator
