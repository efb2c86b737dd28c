// SPDX-License-Identifier: Apache-2.0
#include "broker/push/push_core.h"

namespace cms::broker::push {

PushCore::PushCore(Core& core, Environment environment)
    : Wakeable(core),
      environment_(std::move(environment)),
      appender_(environment_.clock, environment_.produce_metrics) {}

ChannelFactory* PushCore::factory(transport::ChannelKind kind) const {
  if (kind == transport::ChannelKind::shared_memory) return environment_.shared_memory;
  return kind == transport::ChannelKind::rdma ? environment_.rdma : nullptr;
}

std::string PushCore::why_no_channel(transport::ChannelKind kind) const {
  if (kind == transport::ChannelKind::shared_memory) return environment_.why_no_shared_memory;
  if (kind == transport::ChannelKind::rdma) return environment_.why_no_rdma;
  return "there is no such kind of channel";
}

void PushCore::watch(DeliveryFunction& function) {
  if (watchers_.empty()) note_topics(false);
  std::vector<TopicPattern> patterns;
  function.watched(patterns);
  for (const TopicPattern& pattern : patterns) watchers_.add(pattern, function);
  function.initialise();
}

void PushCore::unwatch(DeliveryFunction& function) {
  std::vector<TopicPattern> patterns;
  function.watched(patterns);
  for (const TopicPattern& pattern : patterns) watchers_.remove(pattern, function);
  function.destroy();
  if (watchers_.empty()) known_.clear();
}

// What takes their place cannot be found before it is durable; nobody tells when that is.
void PushCore::look_again(const base::Uuid& topic) {
  constexpr std::chrono::milliseconds soon{20};
  known_.erase(topic);
  if (!is_linked()) core().deadlines().add(*this, std::chrono::steady_clock::now() + soon);
}

void PushCore::run(protocol::FrameBuffer&) {
  rearm();
  if (!watchers_.empty()) note_topics(true);
}

// Functions are told of partitions that were not there when this was called last.
void PushCore::note_topics(bool tell) {
  std::unordered_map<base::Uuid, std::size_t> now;
  std::vector<DeliveryFunction*> found;
  for (const TopicHandle& topic : environment_.topics.all()) {
    const auto before = known_.find(topic->id());
    const std::size_t told = before == known_.end() ? 0 : before->second;
    now.emplace(topic->id(), topic->partitions.size());
    if (!tell || told >= topic->partitions.size()) continue;
    found.clear();
    watchers_.match(topic->name(), found);
    for (DeliveryFunction* const function : found) function->joined(topic, static_cast<std::int32_t>(told));
  }
  known_ = std::move(now);
}

}  // namespace cms::broker::push
