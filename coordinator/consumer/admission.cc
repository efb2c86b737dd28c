// SPDX-License-Identifier: Apache-2.0
// Who speaks in a heartbeat, and whether it may.
#include <utility>

#include "coordinator/consumer/group.h"
#include "coordinator/consumer/heartbeat_request.h"

namespace cms::coordinator {

bool ConsumerGroup::has_room_for(std::string_view member_id) const {
  return state_.members().size() < static_cast<std::size_t>(environment_.options.consumer.members_max) ||
         state_.find(member_id) != nullptr;
}

// A member one epoch behind may not have got the response that said the new one: it is believed if it claims nothing
// that it was not given. Whoever joins claims nothing at all.
ConsumerGroup::Refusal ConsumerGroup::check_epoch(const ConsumerMember& member,
                                                  const protocol::ConsumerGroupHeartbeatRequest& request) const {
  const std::int32_t received = request.member_epoch;
  const CurrentAssignment& current = member.current;
  if (received == epoch_of_joining || received == current.epoch) return {};
  if (received < current.epoch && received == current.previous_epoch && request.topic_partitions &&
      are_assigned(*request.topic_partitions, current.assigned)) {
    return {};
  }
  return {ErrorCode::fenced_member_epoch,
          std::string("The consumer group member has a ") + (received > current.epoch ? "greater" : "smaller") +
              " member epoch (" + std::to_string(received) + ") than the one known by the group coordinator (" +
              std::to_string(current.epoch) + "). The member must abandon all its partitions and rejoin."};
}

ConsumerGroup::Refusal ConsumerGroup::admit(const HeartbeatCall& call, const std::string& member_id, Journal& journal) {
  const protocol::ConsumerGroupHeartbeatRequest& request = call.request;
  const bool joins = request.member_epoch == epoch_of_joining;
  if (!request.instance_id) {
    const ConsumerMember* member = state_.find(member_id);
    if (member != nullptr) return check_epoch(*member, request);
    if (joins) return {};
    return {ErrorCode::unknown_member_id, "Member " + member_id + " is not a member of group " + id() + "."};
  }

  const std::string* holder = state_.static_member_id(*request.instance_id);
  if (holder == nullptr) {
    if (joins) return {};
    return {ErrorCode::unknown_member_id, "Instance id " + *request.instance_id + " is unknown."};
  }
  const ConsumerMember& member = *state_.find(*holder);
  if (joins) {
    // Only a member that said it would be back gives its place away; one on the classic protocol cannot say so.
    if (!member.is_classic() && member.current.epoch != epoch_of_expected_back) {
      return {ErrorCode::unreleased_instance_id,
              "Static member " + member_id + " with instance id " + *request.instance_id +
                  " cannot join the group because the instance id is owned by " + *holder + " member."};
    }
    replace_member(std::string(*holder), member_id, journal);
    return {};
  }
  if (*holder != member_id) {
    return {ErrorCode::fenced_instance_id, "Static member " + member_id + " with instance id " + *request.instance_id +
                                               " was fenced by member " + *holder + "."};
  }
  return check_epoch(member, request);
}

// The newcomer takes over what the other had, at an epoch that makes it reconcile. The other's timers find nobody.
void ConsumerGroup::replace_member(const std::string& old_id, const std::string& new_id, Journal& journal) {
  const ConsumerMember old = *state_.find(old_id);
  journal.remove(old_id);
  CurrentAssignment current = old.current;
  current.epoch = 0;
  current.previous_epoch = 0;
  journal.set_metadata(new_id, old.metadata.value_or(MemberMetadata()));
  journal.set_target(new_id, old.target.value_or(Partitions()));
  journal.set_current(new_id, std::move(current));
}

}  // namespace cms::coordinator
