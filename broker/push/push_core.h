// SPDX-License-Identifier: Apache-2.0
// Push on one core: the sessions of its connections, and who watches which topics.
//
// It dispatches and nothing more: when topics are made or get partitions it matches each new one once, against the
// patterns of all its delivery functions together, and tells those that watch it. Delivery is the functions' own.
//
// The core's thread, except where said otherwise.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "broker/core/core.h"
#include "broker/core/deadlines.h"
#include "broker/handlers/append.h"
#include "broker/push/channel_factory.h"
#include "broker/push/delivery_function.h"
#include "broker/push/push_limits.h"
#include "broker/push/push_metrics.h"
#include "broker/push/stage_stamps.h"
#include "broker/push/topic_trie.h"
#include "broker/topics/topics.h"

namespace cms::broker::push {

class Session;

class PushCore final : public Wakeable, private Deadline {
 public:
  // What all cores share; outlives them.
  struct Environment {
    Topics& topics;
    const base::Clock& clock;
    PushLimits& limits;
    PushMetrics& metrics;
    StageStamps& stamps;
    ProduceMetrics produce_metrics;
    std::function<void(std::function<void()>)> run_on_worker;

    // For the kinds of channels that need one; null where there is none on this machine, with the reason.
    ChannelFactory* shared_memory = nullptr;
    ChannelFactory* rdma = nullptr;
    std::string why_no_shared_memory = {};
    std::string why_no_rdma = "this broker makes no RDMA channels: push.rdma.listen is empty";
  };

  PushCore(Core& core, Environment environment);

  // Any thread: looks at the topics again, later, on the core.
  void topics_changed() { wake(); }

  Topics& topics() { return environment_.topics; }
  PushLimits& limits() { return environment_.limits; }
  const Options& options() const { return environment_.limits.options(); }
  PushMetrics& metrics() { return environment_.metrics; }
  StageStamps& stamps() { return environment_.stamps; }
  BatchAppender& appender() { return appender_; }
  ChannelFactory* factory(transport::ChannelKind kind) const;
  std::string why_no_channel(transport::ChannelKind kind) const;
  void run_on_worker(std::function<void()> work) { environment_.run_on_worker(std::move(work)); }
  std::uint64_t next_session_number() { return ++sessions_made_ * 1024 + static_cast<std::uint64_t>(core().index()); }

  // The function is told of what joins from here on. It outlives its being watched for.
  void watch(DeliveryFunction& function);
  void unwatch(DeliveryFunction& function);

  // Partitions of this topic are about to be replaced: soon those who watch it are told of all it has then.
  void look_again(const base::Uuid& topic);

 private:
  void run(protocol::FrameBuffer& scratch) override;
  void expired() override { note_topics(true); }
  void note_topics(bool tell);

  Environment environment_;
  BatchAppender appender_;
  TopicTrie watchers_;
  std::unordered_map<base::Uuid, std::size_t> known_;  // partitions by topic, as told; empty while nobody watches
  std::uint64_t sessions_made_ = 0;
};

}  // namespace cms::broker::push
