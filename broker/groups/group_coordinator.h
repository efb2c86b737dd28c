// SPDX-License-Identifier: Apache-2.0
// The groups of this node: which shard has a group, the topic behind the shards, and what the shards are told of the
// broker's topics.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "broker/groups/group_configs.h"
#include "broker/groups/hosted_shard.h"
#include "broker/topics/topics.h"
#include "coordinator/options.h"
#include "coordinator/topic_catalog.h"

namespace cms::broker {

// The coordinator's view of the broker's topics. Any thread.
class BrokerCatalog final : public coordinator::TopicCatalog {
 public:
  explicit BrokerCatalog(const Topics& topics) : topics_(topics) {}

  std::optional<coordinator::TopicInfo> find(std::string_view name) const override;
  std::optional<coordinator::TopicInfo> find(const base::Uuid& id) const override;
  void for_each(const std::function<void(const coordinator::TopicInfo&)>& visit) const override;
  std::uint64_t generation() const override { return generation_.load(); }

  void changed() { ++generation_; }

 private:
  const Topics& topics_;
  std::atomic<std::uint64_t> generation_{1};
};

class GroupCoordinator {
 public:
  struct Environment {
    const base::Clock& clock;
    Topics& topics;
    const Options& options;
    const GroupConfigs& configs;
    std::uint64_t seed;
    std::function<void(std::function<void()>)> run_on_worker;
  };

  using Shards = std::vector<std::shared_ptr<HostedShard>>;

  explicit GroupCoordinator(Environment environment);
  ~GroupCoordinator();

  // After the topics are open and before the cores run: begins to load what there is.
  void open(std::vector<Core*> cores);

  // After the cores have stopped.
  void close();

  // --- Any thread, never blocks.

  // Null when there are no groups yet: FindCoordinator comes first.
  std::shared_ptr<HostedShard> shard_of(std::string_view group_id) const;
  Shards shards() const;
  bool is_hosting() const;

  // Runs a step of the group's shard, see HostedShard.
  template <typename Work>
  ErrorCode run(Core& core, std::string_view group_id, const std::shared_ptr<GroupCall>& call, Work&& work) {
    const auto shard = shard_of(group_id);
    return shard == nullptr ? ErrorCode::not_coordinator : shard->run(core, call, std::forward<Work>(work));
  }

  // The same for what only looks.
  template <typename Work>
  ErrorCode read(std::string_view group_id, const std::shared_ptr<GroupCall>& call, Work&& work) {
    const auto shard = shard_of(group_id);
    return shard == nullptr ? ErrorCode::not_coordinator : shard->read(call, std::forward<Work>(work));
  }

  struct Counts {
    std::size_t groups = 0;
    std::size_t offsets = 0;
    std::size_t shards_not_serving = 0;
  };
  Counts counts() const;

  const BrokerCatalog& catalog() const { return catalog_; }

  // Must not block: looks at it later, on a worker.
  void topics_changed(TopicsChange change);

  // --- Blocks: a worker's thread.

  // Makes the offsets topic if there is none.
  ErrorCode ensure_topic();

  // Expiry of offsets; a housekeeping thread, at intervals.
  void keep_house();

 private:
  void host(const TopicHandle& topic);
  void refresh();
  std::string new_member_suffix();

  const Environment environment_;
  BrokerCatalog catalog_;
  coordinator::Options options_;
  coordinator::GroupConfigs group_configs_;
  std::unique_ptr<GroupHost> host_;
  std::vector<Core*> cores_;

  std::mutex random_mutex_;
  base::Random random_;

  std::mutex change_mutex_;  // one creation or refresh at a time
  std::atomic<bool> refresh_asked_{false};
  std::atomic<bool> topics_removed_{false};  // since the last refresh
  std::atomic<bool> closed_{false};
  base::Uuid hosted_topic_;  // change_mutex_

  mutable std::mutex shards_mutex_;
  std::shared_ptr<const Shards> shards_;  // null: none yet
};

}  // namespace cms::broker
