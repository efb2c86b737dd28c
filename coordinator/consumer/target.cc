// SPDX-License-Identifier: Apache-2.0
#include "coordinator/consumer/target.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/sorted.h"

namespace cms::coordinator {

namespace {

// Members, mostly alike, as an assignor wants them. Each different subscription is looked up in the catalog once.
class InputBuilder {
 public:
  InputBuilder(const ConsumerState& state, const TopicCatalog& catalog) : state_(state), catalog_(catalog) {}

  AssignorInput build() {
    std::vector<std::size_t> said;  // by member: which of subscriptions_
    for (const auto& [id, member] : state_.members()) said.push_back(subscription_of(member));
    number_topics();
    const std::vector<std::size_t> numbered = number_subscriptions();

    static const Partitions nothing;
    static const MemberMetadata silent;
    std::size_t at = 0;
    for (const auto& [id, member] : state_.members()) {
      const MemberMetadata& metadata = member.metadata ? *member.metadata : silent;
      input_.members.push_back({.member_id = id,
                                .instance_id = view(metadata.instance_id),
                                .rack_id = view(metadata.rack_id),
                                .subscription = numbered[said[at++]],
                                .owned = member.target ? &*member.target : &nothing});
    }
    return std::move(input_);
  }

 private:
  using Said = std::pair<std::vector<std::string>, std::string>;  // names, pattern

  static std::string_view view(const std::optional<std::string>& text) {
    return text ? std::string_view(*text) : std::string_view();
  }

  std::size_t subscription_of(const ConsumerMember& member) {
    static const MemberMetadata silent;
    const MemberMetadata& metadata = member.metadata ? *member.metadata : silent;
    const std::string_view pattern = view(metadata.subscribed_topic_regex);
    if (last_ && last_->first.second == pattern && last_->first.first == metadata.subscribed_topic_names)
      return last_->second;
    const auto [found, is_new] =
        said_.try_emplace(Said(metadata.subscribed_topic_names, pattern), subscriptions_.size());
    if (is_new) subscriptions_.push_back(look_up(metadata));
    last_ = &*found;
    return found->second;
  }

  std::vector<base::Uuid> look_up(const MemberMetadata& metadata) {
    std::vector<base::Uuid> ids;
    const auto add = [&](const std::vector<std::string>& names) {
      for (const std::string& name : names) {
        const std::optional<TopicInfo> topic = catalog_.find(std::string_view(name));
        if (!topic) continue;
        ids.push_back(topic->id);
        counts_[topic->id] = {topic->partition_count, 0};
      }
    };
    add(metadata.subscribed_topic_names);
    const auto resolved = state_.patterns().find(view(metadata.subscribed_topic_regex));
    if (resolved != state_.patterns().end()) add(resolved->second.topics);
    sort_without_doubles(ids);
    return ids;
  }

  void number_topics() {
    for (auto& [id, count_and_index] : counts_) {
      count_and_index.second = static_cast<std::uint32_t>(input_.topics.size());
      input_.topics.push_back({.id = id, .partition_count = count_and_index.first});
    }
  }

  // What was said differently may come to the same topics.
  std::vector<std::size_t> number_subscriptions() {
    std::vector<std::size_t> numbered;
    std::map<std::vector<std::uint32_t>, std::size_t> different;
    for (const std::vector<base::Uuid>& ids : subscriptions_) {
      std::vector<std::uint32_t> topics;
      topics.reserve(ids.size());
      for (const base::Uuid& id : ids) topics.push_back(counts_[id].second);
      const auto [found, is_new] = different.try_emplace(std::move(topics), different.size());
      if (is_new) input_.subscriptions.push_back(found->first);
      numbered.push_back(found->second);
    }
    return numbered;
  }

  const ConsumerState& state_;
  const TopicCatalog& catalog_;
  AssignorInput input_;
  std::map<Said, std::size_t> said_;
  const std::pair<const Said, std::size_t>* last_ = nullptr;
  std::vector<std::vector<base::Uuid>> subscriptions_;                   // topic ids, ascending
  std::map<base::Uuid, std::pair<std::int32_t, std::uint32_t>> counts_;  // partition count, index
};

}  // namespace

std::map<std::string_view, Partitions> compute_target(const ConsumerState& state, const TopicCatalog& catalog,
                                                      Assignor assignor) {
  AssignorOutput output = assignor(InputBuilder(state, catalog).build());
  std::map<std::string_view, Partitions> target;
  std::size_t at = 0;
  for (const auto& [id, member] : state.members()) target.emplace_hint(target.end(), id, std::move(output[at++]));
  return target;
}

}  // namespace cms::coordinator
