// SPDX-License-Identifier: Apache-2.0
#include "client/groups.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "client/ask_coordinator.h"
#include "protocol/consumer_protocol.h"

namespace cms::client {

namespace {

using protocol::ConsumerGroupDescribeRequest;
using protocol::ConsumerGroupDescribeResponse;
using protocol::DescribeGroupsRequest;
using protocol::DescribeGroupsResponse;
using protocol::ErrorCode;

bool equal_letters(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](unsigned char one, unsigned char other) { return std::tolower(one) == std::tolower(other); });
}

bool passes(const std::vector<std::string>& filter, std::string_view word) {
  return filter.empty() || word.empty() ||
         std::any_of(filter.begin(), filter.end(), [&](const std::string& one) { return equal_letters(one, word); });
}

// As an address of Java prints: "/127.0.0.1".
std::string host_of(std::string text) {
  if (text.starts_with('/')) text.erase(0, 1);
  return text;
}

// From the lists of partitions by topic that several messages have.
template <typename Topics, typename NameOf>
std::vector<TopicPartition> flattened(const Topics& topics, const NameOf& name_of) {
  std::vector<TopicPartition> partitions;
  for (const auto& topic : topics) {
    for (const std::int32_t partition : topic.partitions) partitions.push_back({name_of(topic), partition});
  }
  std::sort(partitions.begin(), partitions.end());
  return partitions;
}

Error no_such_group(const std::string& group) {
  return refusal(ErrorCode::group_id_not_found, "there is no group '" + group + "'");
}

// The first of an answer that should be about one group; an answer about none is about a group that is not there.
template <typename Groups>
ErrorCode code_of_first(const Groups& groups) {
  return groups.empty() ? ErrorCode::group_id_not_found : groups.front().error_code;
}

DescribedMember member_of(const ConsumerGroupDescribeResponse::Member& told) {
  const auto name_of = [](const ConsumerGroupDescribeResponse::TopicPartitions& topic) { return topic.topic_name; };
  DescribedMember member;
  member.id = told.member_id;
  member.instance_id = told.instance_id;
  member.client_id = told.client_id;
  member.host = host_of(told.client_host);
  member.topics = told.subscribed_topic_names;
  if (told.subscribed_topic_regex && !told.subscribed_topic_regex->empty())
    member.topic_regex = told.subscribed_topic_regex;
  member.assignment = flattened(told.assignment.topic_partitions, name_of);
  member.target = flattened(told.target_assignment.topic_partitions, name_of);
  member.epoch = told.member_epoch;
  member.is_classic = told.member_type == protocol::ConsumerMemberType::classic;
  return member;
}

DescribedMember member_of(const DescribeGroupsResponse::Member& told, bool of_consumers) {
  DescribedMember member;
  member.id = told.member_id;
  member.instance_id = told.group_instance_id;
  member.client_id = told.client_id;
  member.host = host_of(told.client_host);
  member.assignment_bytes = told.member_assignment.size();
  member.is_classic = true;
  if (!of_consumers) return member;
  protocol::ConsumerSubscription subscription;
  if (!told.member_metadata.empty() && protocol::read(told.member_metadata.bytes(), subscription))
    member.topics = subscription.topics;
  protocol::ConsumerAssignment assignment;
  if (told.member_assignment.empty() || protocol::read(told.member_assignment.bytes(), assignment))
    member.assignment = flattened(assignment.assigned_partitions, [](const auto& topic) { return topic.topic; });
  return member;
}

Result<GroupDescription> describe_consumer_group(Cluster& cluster, const std::string& group) {
  ConsumerGroupDescribeRequest request;
  request.group_ids.push_back(group);
  const auto answer = ask_coordinator(cluster, group, request, [](const ConsumerGroupDescribeResponse& response) {
    return code_of_first(response.groups);
  });
  if (!answer) return answer.error();
  if (answer->groups.empty()) return no_such_group(group);
  const ConsumerGroupDescribeResponse::Group& told = answer->groups.front();
  if (told.error_code != ErrorCode::none) return refusal(told.error_code, told.error_message);
  GroupDescription description{group,
                               "consumer",
                               told.group_state,
                               std::string(protocol::consumer_protocol_type),
                               told.assignor_name,
                               told.group_epoch,
                               {},
                               {}};
  for (const auto& member : told.members) description.members.push_back(member_of(member));
  return description;
}

Result<GroupDescription> describe_classic_group(Cluster& cluster, const std::string& group) {
  DescribeGroupsRequest request;
  request.groups.push_back(group);
  const auto answer = ask_coordinator(
      cluster, group, request, [](const DescribeGroupsResponse& response) { return code_of_first(response.groups); });
  if (!answer) return answer.error();
  if (answer->groups.empty()) return no_such_group(group);
  const DescribeGroupsResponse::Group& told = answer->groups.front();
  // Before version 6 a group that is not there is dead.
  if (told.error_code == ErrorCode::group_id_not_found || told.group_state == "Dead") return no_such_group(group);
  if (told.error_code != ErrorCode::none) return refusal(told.error_code, told.error_message);
  GroupDescription description{group, "classic", told.group_state, told.protocol_type, told.protocol_data, std::nullopt,
                               {},    {}};
  const bool of_consumers = told.protocol_type == protocol::consumer_protocol_type;
  for (const auto& member : told.members) description.members.push_back(member_of(member, of_consumers));
  return description;
}

}  // namespace

bool GroupDescription::is_rebalancing() const {
  static constexpr std::array<std::string_view, 4> states{"PreparingRebalance", "CompletingRebalance", "Assigning",
                                                          "Reconciling"};
  return std::find(states.begin(), states.end(), state) != states.end();
}

Result<std::vector<ListedGroup>> list_groups(Cluster& cluster, const std::vector<std::string>& states,
                                             const std::vector<std::string>& types) {
  const auto brokers = cluster.brokers();
  if (!brokers) return brokers.error();
  const protocol::ListGroupsRequest request{states, types};
  std::vector<ListedGroup> groups;
  for (Connection* broker : *brokers) {
    auto answer = broker->call(request);
    for (int tries = 1; answer && is_passing(answer->error_code) && tries < coordinator_tries_max; ++tries) {
      std::this_thread::sleep_for(coordinator_pause);
      answer = broker->call(request);
    }
    if (!answer) return answer.error();
    if (answer->error_code != ErrorCode::none) return refusal(answer->error_code);
    for (auto& group : answer->groups) {
      if (passes(states, group.group_state) && passes(types, group.group_type))
        groups.push_back({group.group_id, group.group_type, group.group_state, group.protocol_type});
    }
  }
  std::sort(groups.begin(), groups.end(),
            [](const ListedGroup& left, const ListedGroup& right) { return left.id < right.id; });
  return groups;
}

// A classic group is none for ConsumerGroupDescribe, and older brokers do not know that at all.
Result<GroupDescription> describe_group(Cluster& cluster, const std::string& group) {
  Result<GroupDescription> description = describe_consumer_group(cluster, group);
  if (!description &&
      (description.error().kind() == ErrorKind::not_found || description.error().kind() == ErrorKind::unsupported))
    description = describe_classic_group(cluster, group);
  if (!description) return description;
  const Result<Connection*> coordinator = cluster.coordinator_of(group);
  if (coordinator) description->coordinator = (*coordinator)->address();
  return description;
}

Result<void> delete_group(Cluster& cluster, const std::string& group) {
  protocol::DeleteGroupsRequest request;
  request.groups_names.push_back(group);
  const auto answer = ask_coordinator(cluster, group, request, [](const protocol::DeleteGroupsResponse& response) {
    return code_of_first(response.results);
  });
  if (!answer) return answer.error();
  switch (const ErrorCode code = code_of_first(answer->results)) {
    case ErrorCode::none:
      return {};
    case ErrorCode::group_id_not_found:
      return no_such_group(group);
    case ErrorCode::non_empty_group:
      return refusal(code, "group " + group + " has members; it can be deleted when they have gone");
    default:
      return refusal(code);
  }
}

}  // namespace cms::client
