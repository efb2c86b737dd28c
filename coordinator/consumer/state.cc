// SPDX-License-Identifier: Apache-2.0
#include "coordinator/consumer/state.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "coordinator/sorted.h"

namespace cms::coordinator {

namespace {

// No topic has more partitions; a record that says so is not allowed to size our memory.
constexpr std::int32_t partitions_max = 1'000'000;

void add(ConsumerState::Counts& counts, std::string_view name) {
  const auto found = counts.find(name);
  if (found != counts.end()) {
    ++found->second;
  } else {
    counts.emplace(name, 1);
  }
}

void subtract(ConsumerState::Counts& counts, std::string_view name) {
  const auto found = counts.find(name);
  CHECK(found != counts.end());
  if (--found->second == 0) counts.erase(found);
}

bool has_pattern(const MemberMetadata& metadata) {
  return metadata.subscribed_topic_regex && !metadata.subscribed_topic_regex->empty();
}

}  // namespace

const ConsumerMember* ConsumerState::find(std::string_view member_id) const {
  const auto found = members_.find(member_id);
  return found == members_.end() ? nullptr : &found->second;
}

const std::string* ConsumerState::static_member_id(std::string_view instance_id) const {
  const auto found = static_members_.find(instance_id);
  return found == static_members_.end() ? nullptr : &found->second;
}

bool ConsumerState::is_subscribed(std::string_view topic) const {
  if (names_.contains(topic)) return true;
  return std::ranges::any_of(patterns_, [&](const auto& pattern) {
    return std::ranges::binary_search(pattern.second.topics, topic, std::less<>{});
  });
}

bool ConsumerState::is_subscribed(const MemberMetadata& metadata, std::string_view topic) const {
  if (std::ranges::binary_search(metadata.subscribed_topic_names, topic, std::less<>{})) return true;
  if (!has_pattern(metadata)) return false;
  const auto resolved = patterns_.find(*metadata.subscribed_topic_regex);
  return resolved != patterns_.end() && std::ranges::binary_search(resolved->second.topics, topic, std::less<>{});
}

std::vector<std::string> ConsumerState::subscribed_topics() const {
  std::vector<std::string> topics;
  for (const auto& [name, count] : names_) topics.push_back(name);
  for (const auto& [pattern, resolved] : patterns_)
    topics.insert(topics.end(), resolved.topics.begin(), resolved.topics.end());
  sort_without_doubles(topics);
  return topics;
}

bool ConsumerState::is_free(const base::Uuid& topic_id, std::int32_t partition) const {
  const auto topic = owners_.find(topic_id);
  if (topic == owners_.end()) return true;
  const auto index = static_cast<std::size_t>(partition);
  return index >= topic->second.size() || topic->second[index] == nullptr;
}

void ConsumerState::set_metadata(const std::string& member_id, MemberMetadata metadata) {
  ConsumerMember& member = members_[member_id];
  if (member.metadata) uncount(member_id, *member.metadata);
  member.metadata = std::move(metadata);
  count(member_id, *member.metadata);
}

void ConsumerState::set_current(const std::string& member_id, CurrentAssignment current) {
  ConsumerMember& member = members_[member_id];
  release(member);
  member.current = std::move(current);
  claim(member);
}

void ConsumerState::set_target(const std::string& member_id, std::optional<Partitions> target) {
  members_[member_id].target = std::move(target);
}

void ConsumerState::put(const std::string& member_id, std::optional<ConsumerMember> member) {
  const auto found = members_.find(member_id);
  if (found != members_.end()) {
    release(found->second);
    if (found->second.metadata) uncount(member_id, *found->second.metadata);
    if (!member) members_.erase(found);
  }
  if (!member) return;
  ConsumerMember& place = members_[member_id];
  place = std::move(*member);
  if (place.metadata) count(member_id, *place.metadata);
  claim(place);
}

void ConsumerState::set_pattern(const std::string& pattern, std::optional<ResolvedPattern> resolved) {
  if (resolved) {
    patterns_[pattern] = std::move(*resolved);
  } else {
    patterns_.erase(pattern);
  }
}

void ConsumerState::count(const std::string& member_id, const MemberMetadata& metadata) {
  if (metadata.instance_id) static_members_[*metadata.instance_id] = member_id;
  for (const std::string& name : metadata.subscribed_topic_names) add(names_, name);
  if (has_pattern(metadata)) add(pattern_users_, *metadata.subscribed_topic_regex);
  if (metadata.server_assignor) add(assignor_votes_, *metadata.server_assignor);
  if (!metadata.classic_member_metadata) return;
  ++classic_count_;
  for (const auto& protocol : metadata.classic_member_metadata->supported_protocols)
    add(classic_protocols_, protocol.name);
}

void ConsumerState::uncount(const std::string& member_id, const MemberMetadata& metadata) {
  if (metadata.instance_id) {
    // Another member may have taken its place.
    const auto found = static_members_.find(*metadata.instance_id);
    if (found != static_members_.end() && found->second == member_id) static_members_.erase(found);
  }
  for (const std::string& name : metadata.subscribed_topic_names) subtract(names_, name);
  if (has_pattern(metadata)) subtract(pattern_users_, *metadata.subscribed_topic_regex);
  if (metadata.server_assignor) subtract(assignor_votes_, *metadata.server_assignor);
  if (!metadata.classic_member_metadata) return;
  --classic_count_;
  for (const auto& protocol : metadata.classic_member_metadata->supported_protocols)
    subtract(classic_protocols_, protocol.name);
}

// A log that compaction has thinned out may show two owners for a while: the later record wins, and what the earlier
// owner gives up then is not taken from the later one.
void ConsumerState::claim(const ConsumerMember& member) {
  for (const OwnedPartitions* owned : {&member.current.assigned, &member.current.revoking}) {
    for (const auto& [topic_id, partitions] : *owned) {
      std::vector<const ConsumerMember*>& owners = owners_[topic_id];
      for (const OwnedPartition& partition : partitions) {
        if (partition.partition < 0 || partition.partition >= partitions_max) continue;
        const auto index = static_cast<std::size_t>(partition.partition);
        if (index >= owners.size()) owners.resize(index + 1);
        owners[index] = &member;
      }
    }
  }
}

void ConsumerState::release(const ConsumerMember& member) {
  for (const OwnedPartitions* owned : {&member.current.assigned, &member.current.revoking}) {
    for (const auto& [topic_id, partitions] : *owned) {
      const auto topic = owners_.find(topic_id);
      if (topic == owners_.end()) continue;
      std::vector<const ConsumerMember*>& owners = topic->second;
      for (const OwnedPartition& partition : partitions) {
        const auto index = static_cast<std::size_t>(partition.partition);
        if (index < owners.size() && owners[index] == &member) owners[index] = nullptr;
      }
      while (!owners.empty() && owners.back() == nullptr) owners.pop_back();
      if (owners.empty()) owners_.erase(topic);
    }
  }
}

}  // namespace cms::coordinator
