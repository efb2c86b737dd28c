// SPDX-License-Identifier: Apache-2.0
// For the tests of this folder: topics over a metadata store in a temporary directory and logs in memory, and requests
// to them without a socket.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "broker/groups/group_configs.h"
#include "broker/handlers/request.h"
#include "broker/metadata/local_store.h"
#include "broker/telemetry/subscriptions.h"
#include "broker/topics/topics.h"
#include "storage/arena.h"
#include "storage/file_system.h"
#include "storage/memory_log.h"
#include "storage/test_directory.h"

namespace cms::broker::test {

// Every partition has a log in memory, whatever its durability.
class TestLogs final : public LogFactory {
 public:
  // Called with each log before its partition is made of it: what is appended here is stable from the beginning.
  std::function<void(storage::Log&)> fill;

  // Of this partition, of any topic, the files are damaged; -1: of none.
  std::int32_t damaged = -1;

  base::Result<std::unique_ptr<storage::Log>> open(const std::string&, const base::Uuid&, std::int32_t partition,
                                                   records::Offset first_offset, const EffectiveTopicConfig& config,
                                                   std::int64_t producer_expiration_ms) override {
    if (partition == damaged) return base::Error(base::ErrorKind::corrupt, "0.log: wrong checksum at position 61");
    auto log = std::make_unique<storage::MemoryLog>(arena_, log_options(config, producer_expiration_ms),
                                                    storage::MemoryLog::Start{.offset = first_offset});
    if (fill) fill(*log);
    return std::unique_ptr<storage::Log>(std::move(log));
  }

  base::Result<void> remove(const std::string&, const base::Uuid&, std::int32_t) override { return {}; }

 private:
  storage::Arena arena_{{.budget_bytes = 64u << 20}};
};

class TestBroker {
 public:
  explicit TestBroker(Options given = {}) : options(std::move(given)) {
    options.data_directory = directory_.path();
    start();
  }

  // As after a crash: nothing is closed. Records are gone, since no log is on the disk.
  void restart() {
    topics_.reset();
    subscriptions_.reset();
    group_configs_.reset();
    metadata_.reset();
    store_.reset();
    start();
  }

  Topics& topics() { return *topics_; }
  Metadata& metadata() { return *metadata_; }
  GroupConfigs& group_configs() { return *group_configs_; }
  Subscriptions& subscriptions() { return *subscriptions_; }
  storage::Disk& disk() { return disk_; }

  TopicHandle create(const std::string& name, std::int32_t partitions = 1, std::vector<ConfigSetting> configs = {}) {
    TopicOutcome made = topics_->create({.name = name, .partitions = partitions, .configs = std::move(configs)}, false);
    CHECK(made.error == ErrorCode::none);
    return made.topic;
  }

  // What `handler(const RequestContext&, Response&)` answers to a request of this version.
  template <typename Response, typename Handler>
  Response answer(protocol::Version version, Handler&& handler) {
    header_.api_version = version;
    Response response;
    handler(RequestContext{header_, peer_}, response);
    return response;
  }

  Options options;   // may be changed between requests
  Options in_force;  // as the topics have told it last
  TestLogs logs;
  base::ManualClock clock;

 private:
  void start() {
    auto store = LocalStore::open(disk_, clock, directory_ / "metadata");
    CHECK(store.ok());
    store_ = std::move(*store);
    auto metadata = Metadata::open(*store_, options.node_id, random_);
    CHECK(metadata.ok());
    metadata_ = std::move(*metadata);
    auto group_configs = GroupConfigs::open(*store_);
    CHECK(group_configs.ok());
    group_configs_ = std::move(*group_configs);
    auto subscriptions = Subscriptions::open(*store_);
    CHECK(subscriptions.ok());
    subscriptions_ = std::move(*subscriptions);
    topics_ = std::make_unique<Topics>(TopicsEnvironment{clock, *metadata_, options, logs, random_.next(),
                                                         [](const std::function<void()>& work) { work(); },
                                                         [this](const Options& now) { in_force = now; }});
    CHECK(topics_->open().ok());
  }

  storage::TestDirectory directory_;
  storage::FileSystem disk_;
  base::Random random_{1};
  std::unique_ptr<LocalStore> store_;
  std::unique_ptr<Metadata> metadata_;
  std::unique_ptr<GroupConfigs> group_configs_;
  std::unique_ptr<Subscriptions> subscriptions_;
  std::unique_ptr<Topics> topics_;
  ListenerInfo listener_{.name = "PLAINTEXT", .advertised_host = "broker.example", .advertised_port = 19092};
  Peer peer_{.listener = &listener_, .address = "127.0.0.1:50000", .connection_id = 1};
  protocol::RequestHeader header_;
};

}  // namespace cms::broker::test
