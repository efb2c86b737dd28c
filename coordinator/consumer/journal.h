// SPDX-License-Identifier: Apache-2.0
// The changes of one step to a consumer group: made at once, appended as records, and taken back if the step turns out
// to append more than the log takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "coordinator/consumer/state.h"
#include "coordinator/effects.h"

namespace cms::coordinator {

// Of the records from `first` on, as they stand in a batch.
std::size_t record_bytes(const Effects& effects, std::size_t first);

// Lives within a step; appends nothing else to Effects meanwhile.
class Journal {
 public:
  Journal(const std::string& group_id, ConsumerState& state, Effects& effects)
      : group_id_(group_id), state_(state), effects_(effects), first_record_(effects.records.size()) {}

  void set_metadata(const std::string& member_id, MemberMetadata metadata);
  void set_current(const std::string& member_id, CurrentAssignment current);
  void set_target(const std::string& member_id, Partitions target);
  void remove(const std::string& member_id);
  void set_group_epoch(std::int32_t epoch, std::int64_t metadata_hash);
  void set_assignment_epoch(std::int32_t epoch, base::TimestampMs at_ms);
  void set_pattern(const std::string& pattern, ResolvedPattern resolved);
  void forget_pattern(const std::string& pattern);

  // Tombstones of all the group's records. The state stays as it is: it is to be given up. Not taken back.
  static void bury(const std::string& group_id, const ConsumerState& state, Effects& effects);

  // Of the records appended so far.
  std::size_t bytes() const { return record_bytes(effects_, first_record_); }

  // Back to where the step began, records included.
  void roll_back();

 private:
  struct OldMember {
    std::string id;
    std::optional<ConsumerMember> member;
  };
  struct OldCurrent {
    std::string id;
    CurrentAssignment current;
  };
  struct OldTarget {
    std::string id;
    std::optional<Partitions> target;
  };
  struct OldPattern {
    std::string pattern;
    std::optional<ResolvedPattern> resolved;
  };
  using Old = std::variant<OldMember, OldCurrent, OldTarget, OldPattern, GroupEpochs>;

  // A member as it is now, or that there is none.
  void keep_member(const std::string& member_id);

  const std::string& group_id_;
  ConsumerState& state_;
  Effects& effects_;
  const std::size_t first_record_;
  std::vector<Old> old_;
};

}  // namespace cms::coordinator
