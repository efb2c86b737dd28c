// SPDX-License-Identifier: Apache-2.0
#include "broker/groups/group_coordinator.h"

#include "base/log.h"
#include "broker/groups/group_options.h"
#include "broker/groups/offsets_topic.h"

namespace cms::broker {

namespace {

coordinator::TopicInfo info_of(const Topic& topic) {
  return {
      .name = topic.name(), .id = topic.id(), .partition_count = static_cast<std::int32_t>(topic.partitions.size())};
}

std::optional<coordinator::TopicInfo> info_of(const TopicHandle& topic) {
  if (topic == nullptr) return std::nullopt;
  return info_of(*topic);
}

}  // namespace

std::optional<coordinator::TopicInfo> BrokerCatalog::find(std::string_view name) const {
  return info_of(topics_.find(name));
}

std::optional<coordinator::TopicInfo> BrokerCatalog::find(const base::Uuid& id) const {
  return info_of(topics_.find(id));
}

void BrokerCatalog::for_each(const std::function<void(const coordinator::TopicInfo&)>& visit) const {
  for (const TopicHandle& topic : topics_.all()) visit(info_of(*topic));
}

GroupCoordinator::GroupCoordinator(Environment environment)
    : environment_(std::move(environment)),
      catalog_(environment_.topics),
      options_(group_options(environment_.options)),
      group_configs_([this](std::string_view group_id) { return environment_.configs.in_force(group_id); }),
      host_(std::make_unique<GroupHost>(
          GroupHost{environment_.clock,
                    {options_, catalog_, group_configs_, [this] { return new_member_suffix(); }},
                    environment_.run_on_worker})),
      random_(environment_.seed) {}

GroupCoordinator::~GroupCoordinator() = default;

void GroupCoordinator::open(std::vector<Core*> cores) {
  const std::lock_guard lock(change_mutex_);
  cores_ = std::move(cores);
  if (const TopicHandle topic = environment_.topics.find(offsets_topic_name)) host(topic);
}

void GroupCoordinator::close() {
  closed_ = true;
  for (const auto& shard : shards()) shard->stop(ErrorCode::coordinator_not_available);
  const std::lock_guard lock(shards_mutex_);
  shards_.reset();
}

GroupCoordinator::Shards GroupCoordinator::shards() const {
  const std::lock_guard lock(shards_mutex_);
  return shards_ == nullptr ? Shards{} : *shards_;
}

bool GroupCoordinator::is_hosting() const {
  const std::lock_guard lock(shards_mutex_);
  return shards_ != nullptr;
}

std::shared_ptr<HostedShard> GroupCoordinator::shard_of(std::string_view group_id) const {
  const std::lock_guard lock(shards_mutex_);
  if (shards_ == nullptr) return nullptr;
  const auto count = static_cast<std::int32_t>(shards_->size());
  return (*shards_)[static_cast<std::size_t>(partition_of_group(group_id, count))];
}

GroupCoordinator::Counts GroupCoordinator::counts() const {
  Counts sum;
  for (const auto& shard : shards()) {
    const HostedShard::Counts counts = shard->counts();
    sum.groups += counts.groups;
    sum.offsets += counts.offsets;
    if (shard->state() != ErrorCode::none) ++sum.shards_not_serving;
  }
  return sum;
}

void GroupCoordinator::host(const TopicHandle& topic) {
  auto shards = std::make_shared<Shards>();
  for (std::size_t index = 0; index < topic->partitions.size(); ++index) {
    Core& home = *cores_[index % cores_.size()];
    shards->push_back(std::make_shared<HostedShard>(*host_, topic, static_cast<std::int32_t>(index), home));
  }
  for (const auto& shard : *shards) shard->start();
  hosted_topic_ = topic->id();
  const std::lock_guard lock(shards_mutex_);
  shards_ = std::move(shards);
}

ErrorCode GroupCoordinator::ensure_topic() {
  if (is_hosting()) return ErrorCode::none;
  const std::lock_guard lock(change_mutex_);
  TopicHandle topic = environment_.topics.find(offsets_topic_name);
  if (topic == nullptr) {
    TopicOutcome made = environment_.topics.create(new_offsets_topic(environment_.options), false);
    if (made.error != ErrorCode::none && made.error != ErrorCode::topic_already_exists) {
      base::log_error("the topic of the group coordinator cannot be made", "topic", offsets_topic_name, "error",
                      protocol::name_of(made.error), "why", made.message);
      return ErrorCode::coordinator_not_available;
    }
    topic = environment_.topics.find(offsets_topic_name);
    if (topic == nullptr) return ErrorCode::coordinator_not_available;
  }
  if (hosted_topic_ != topic->id()) host(topic);
  return ErrorCode::none;
}

void GroupCoordinator::topics_changed(TopicsChange change) {
  catalog_.changed();
  if (change == TopicsChange::removed) topics_removed_ = true;
  if (closed_ || refresh_asked_.exchange(true)) return;
  environment_.run_on_worker([this] { refresh(); });
}

void GroupCoordinator::refresh() {
  refresh_asked_ = false;
  const std::lock_guard lock(change_mutex_);
  if (closed_) return;
  const TopicHandle topic = environment_.topics.find(offsets_topic_name);
  if (hosted_topic_ != (topic == nullptr ? base::Uuid{} : topic->id())) {
    for (const auto& shard : shards()) shard->stop(ErrorCode::not_coordinator);
    hosted_topic_ = {};
    if (topic != nullptr) return host(topic);
    const std::lock_guard shards_lock(shards_mutex_);
    shards_.reset();
    return;
  }
  const TopicsChange change = topics_removed_.exchange(false) ? TopicsChange::removed : TopicsChange::made;
  for (const auto& shard : shards()) shard->topics_changed(change);
}

void GroupCoordinator::keep_house() {
  for (const auto& shard : shards()) shard->expire();
}

std::string GroupCoordinator::new_member_suffix() {
  const std::lock_guard lock(random_mutex_);
  return base::Uuid::random(random_).to_hyphenated();
}

}  // namespace cms::broker
