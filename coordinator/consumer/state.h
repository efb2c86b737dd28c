// SPDX-License-Identifier: Apache-2.0
// All that the log says of a consumer group, and what follows from it. Changed in the same way by steps (through
// Journal, which also appends the records) and by reading the log again, so that both come to the same state.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "coordinator/consumer/member.h"

namespace cms::coordinator {

// The topics that a subscribed pattern matched.
struct ResolvedPattern {
  std::vector<std::string> topics;  // ascending
  std::int64_t version = 0;         // the catalog's generation
  base::TimestampMs resolved_at_ms = 0;
};

// A new group is at 1, with an empty assignment: who is subscribed to nothing needs no other.
struct GroupEpochs {
  std::int32_t group = 1;          // rises when a new assignment is needed
  std::int64_t metadata_hash = 0;  // of the subscribed topics, at that epoch
  std::int32_t assignment = 1;     // the group epoch that the target was computed for
  base::TimestampMs assigned_at_ms = 0;
};

class ConsumerState {
 public:
  using Members = std::map<std::string, ConsumerMember, std::less<>>;
  using Counts = std::map<std::string, std::size_t, std::less<>>;  // none is zero
  using Patterns = std::map<std::string, ResolvedPattern, std::less<>>;

  ConsumerState() = default;
  ConsumerState(const ConsumerState&) = delete;  // owners_ points to members
  ConsumerState& operator=(const ConsumerState&) = delete;

  const GroupEpochs& epochs() const { return epochs_; }
  const Members& members() const { return members_; }
  const ConsumerMember* find(std::string_view member_id) const;
  const std::string* static_member_id(std::string_view instance_id) const;

  // --- What follows from the members.
  const Counts& names() const { return names_; }  // subscribed by name, with the number of members
  const Counts& pattern_users() const { return pattern_users_; }
  const Counts& assignor_votes() const { return assignor_votes_; }
  const Counts& classic_protocols() const { return classic_protocols_; }
  std::size_t classic_count() const { return classic_count_; }
  const Patterns& patterns() const { return patterns_; }

  bool is_subscribed(std::string_view topic) const;                                  // the group, somehow
  bool is_subscribed(const MemberMetadata& metadata, std::string_view topic) const;  // a member
  std::vector<std::string> subscribed_topics() const;                                // ascending

  // Nobody has it, nor has still to give it up.
  bool is_free(const base::Uuid& topic_id, std::int32_t partition) const;

  // --- Changes. A member that is not there is made.
  void set_metadata(const std::string& member_id, MemberMetadata metadata);
  void set_current(const std::string& member_id, CurrentAssignment current);
  void set_target(const std::string& member_id, std::optional<Partitions> target);
  void put(const std::string& member_id, std::optional<ConsumerMember> member);  // none: removes it
  void set_epochs(const GroupEpochs& epochs) { epochs_ = epochs; }
  void set_pattern(const std::string& pattern, std::optional<ResolvedPattern> resolved);

 private:
  void count(const std::string& member_id, const MemberMetadata& metadata);
  void uncount(const std::string& member_id, const MemberMetadata& metadata);
  void claim(const ConsumerMember& member);
  void release(const ConsumerMember& member);

  GroupEpochs epochs_;
  Members members_;
  Patterns patterns_;

  // Derived.
  std::map<std::string, std::string, std::less<>> static_members_;  // by instance id
  Counts names_;
  Counts pattern_users_;
  Counts assignor_votes_;
  Counts classic_protocols_;
  std::size_t classic_count_ = 0;
  std::map<base::Uuid, std::vector<const ConsumerMember*>> owners_;  // by partition; null: free
};

}  // namespace cms::coordinator
