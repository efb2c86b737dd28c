// SPDX-License-Identifier: Apache-2.0
// A hosted shard on a partition whose disk fails, is full, loses power or is slow. One thread: a flush is done, a
// loader runs and a turn ends when the test says so.
#include "broker/groups/hosted_shard.h"

#include <thread>

#include <gtest/gtest.h>

#include "broker/groups/offsets_topic.h"
#include "broker/handlers/group_serving.h"
#include "broker/topics/log_factory.h"
#include "coordinator/consumer/test_consumer_group.h"
#include "storage/inline_queue.h"
#include "storage/segmented_log.h"
#include "storage/simulated_disk.h"

namespace cms::broker {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds patience{10'000};
constexpr const char* log_directory = "data/0";

// Tells whether it could be answered now, and with which error.
class Probe final : public GroupCall {
 public:
  using GroupCall::GroupCall;
  bool is_done() {
    const bool done = begin();
    expect();  // it is never begun
    return done;
  }
  using GroupCall::error;
  void answer(protocol::FrameBuffer&) override {}
};

class JoinProbe final : public WaitingCall {
 public:
  using GroupCall::error;
  using WaitingCall::WaitingCall;
  void set(coordinator::WaitingResponse response) override {
    joined = std::get<protocol::JoinGroupResponse>(std::move(response));
  }
  void answer(protocol::FrameBuffer&) override {}
  std::optional<protocol::JoinGroupResponse> joined;
};

class HostedShardTest : public ::testing::Test {
 protected:
  HostedShardTest() {
    catalog_.put("orders", 4);
    groups_.classic.initial_rebalance_delay_ms = 0;
    groups_.classic.session_timeout_min_ms = 1;
    open();
  }
  ~HostedShardTest() override { close(); }

  // The partition as it is found on the disk, and a shard that has not begun to load.
  void open() {
    files_ = std::make_unique<storage::OpenFiles>(*disk_, 100);
    auto log = storage::SegmentedLog::open({*files_, arena_, clock_}, log_directory, log_options(*config_, 1000), {});
    ASSERT_TRUE(log) << log.error().message();
    auto queue = std::make_unique<storage::InlineQueue>();
    queue_ = queue.get();
    core_ = std::make_unique<Core>(0, std::move(queue), std::chrono::microseconds(0));
    auto record = std::make_shared<TopicRecord>();
    record->name = offsets_topic_name;
    auto topic = std::make_shared<Topic>();
    topic->record = std::move(record);
    topic->config = config_;
    topic->partitions.push_back(std::make_shared<Partition>(
        Partition::Identity{.topic = std::string(offsets_topic_name)}, std::move(*log),
        replication::View{.number = epoch_++, .members = {1}}, config_, 0,
        PartitionEnvironment{clock_, [](const std::function<void()>& work) { work(); }, {}}));
    topic_ = topic;
    shard_ = std::make_shared<HostedShard>(host_, topic_, 0, *core_);
  }
  void close() {
    shard_.reset();
    jobs_.clear();
    core_.reset();
    topic_.reset();
    files_.reset();
  }
  void open_again() {
    close();
    open();
    load();
  }

  // --- What happens around a request, one after another.
  void run_jobs() {
    for (std::size_t i = 0; i < jobs_.size(); ++i) std::exchange(jobs_[i], {})();
    jobs_.clear();
  }
  void turn() {
    core_->loop().poll();
    core_->end_of_turn();
  }
  void load() {
    shard_->start();
    run_jobs();
    settle();
  }
  void settle() {
    turn();
    while (queue_->reap() > 0) turn();
    turn();
  }
  // Turns until it is so.
  template <typename Condition>
  bool await(Condition condition) {
    for (const auto until = Steady::now() + patience; Steady::now() < until;) {
      settle();
      run_jobs();
      if (condition()) return true;
      std::this_thread::sleep_for(milliseconds(1));
    }
    return false;
  }
  Partition& partition() { return *topic_->partition(0); }
  void set_replicas_min(std::int32_t replicas) {
    auto config = std::make_shared<EffectiveTopicConfig>(*config_);
    config->min_insync_replicas = replicas;
    partition().set_config(config, log_options(*config, 1000));
  }

  // --- Requests. The error is that of the shard, `probe` what became of the rest.
  struct Committed {
    ErrorCode refused;
    std::shared_ptr<Probe> probe;
    bool is_answered(ErrorCode with = ErrorCode::none) const { return probe->is_done() && probe->error() == with; }
  };
  Committed commit(std::int64_t offset, const std::string& group = "g") {
    protocol::OffsetCommitRequest request;
    request.group_id = group;
    auto& wanted = request.topics.emplace_back();
    wanted.name = "orders";
    wanted.topic_id = catalog_.id("orders");
    wanted.partitions.push_back({0, offset, -1, "metadata"});
    const coordinator::Call<protocol::OffsetCommitRequest> call{request, 9, {"client", "/127.0.0.1"}, 0};
    auto probe = std::make_shared<Probe>(*core_);
    const auto step = [&](coordinator::Shard& shard, coordinator::Now now, coordinator::Effects& effects) {
      EXPECT_EQ(shard.step(now, call, effects).topics.at(0).partitions.at(0).error_code, ErrorCode::none);
    };
    const ErrorCode refused = shard_->run(*core_, probe, step);
    return {refused, std::move(probe)};
  }
  struct Read {
    Committed call;
    std::int64_t offset = -2;
  };
  Read read(const std::string& group = "g") {
    protocol::OffsetFetchRequest::Group wanted;
    wanted.group_id = group;
    wanted.topics.emplace().push_back({"orders", catalog_.id("orders"), {0}});
    Read read{{ErrorCode::none, std::make_shared<Probe>(*core_)}, -2};
    read.call.refused = shard_->read(read.call.probe, [&](const coordinator::Shard& shard) {
      read.offset = shard.fetch_offsets(wanted, 9).topics.at(0).partitions.at(0).committed_offset;
    });
    return read;
  }
  // The committed offset, where it is answered now.
  std::optional<std::int64_t> offset(const std::string& group = "g") {
    const Read now = read(group);
    return now.call.refused == ErrorCode::none && now.call.is_answered() ? std::optional(now.offset) : std::nullopt;
  }
  std::shared_ptr<JoinProbe> join(const std::string& group, std::int32_t session_timeout_ms) {
    protocol::JoinGroupRequest request;
    request.group_id = group;
    request.session_timeout_ms = session_timeout_ms;
    request.rebalance_timeout_ms = 60'000;
    request.protocol_type = "consumer";
    request.protocols.push_back({"range", base::as_bytes(std::string_view("metadata"))});
    auto probe = std::make_shared<JoinProbe>(*core_);
    const auto step = [&](coordinator::Shard& shard, coordinator::Now now, coordinator::Ticket ticket,
                          coordinator::Effects& effects) {
      shard.step(now, coordinator::Call<protocol::JoinGroupRequest>{request, 3, {"client", "/127.0.0.1"}, ticket},
                 effects);
    };
    EXPECT_EQ(shard_->run_waiting(*core_, probe, step), ErrorCode::none);
    return probe;
  }
  std::string state_of(const std::string& group) {
    std::string state;
    const auto look = [&](const coordinator::Shard& shard) { state = shard.describe_classic(group).group_state; };
    EXPECT_EQ(shard_->read(std::make_shared<Probe>(*core_), look), ErrorCode::none);
    return state;
  }
  void append_raw(std::string_view key, std::string_view value) {
    records::BatchBuilder builder;
    builder.add({.timestamp = 1, .key = base::as_bytes(key), .value = base::as_bytes(value)});
    const std::vector<std::byte> bytes = builder.finish();
    EXPECT_EQ(partition().append(*core_, *records::BatchView::frame(bytes), true).error, ErrorCode::none);
    settle();
  }
  // The lines at level error that `work` causes.
  template <typename Work>
  static int errors_logged(Work work) {
    ::testing::internal::CaptureStderr();
    work();
    const std::string text = ::testing::internal::GetCapturedStderr();
    int lines = 0;
    for (std::size_t at = text.find(" error "); at != std::string::npos; at = text.find(" error ", at + 1)) ++lines;
    return lines;
  }
  // Holds all memory for logs; until it goes, no new log gets any.
  std::vector<std::shared_ptr<storage::Chunk>> take_all_memory() {
    std::vector<std::shared_ptr<storage::Chunk>> chunks;
    while (auto chunk = arena_.take(64u << 10, 0)) chunks.push_back(std::move(*chunk));
    return chunks;
  }

  std::unique_ptr<storage::SimulatedDisk> disk_ = std::make_unique<storage::SimulatedDisk>();
  storage::Arena arena_{{.budget_bytes = 4u << 20}};
  base::SystemClock clock_;
  std::shared_ptr<EffectiveTopicConfig> config_ = std::make_shared<EffectiveTopicConfig>();
  records::LeaderEpoch epoch_ = 0;
  std::unique_ptr<storage::OpenFiles> files_;
  storage::InlineQueue* queue_ = nullptr;  // the core's
  std::unique_ptr<Core> core_;
  TopicHandle topic_;

  coordinator::TestCatalog catalog_;
  coordinator::Options groups_;
  coordinator::GroupConfigs group_configs_ = [](std::string_view) { return coordinator::GroupConfig{}; };
  std::vector<std::function<void()>> jobs_;
  int members_ = 0;
  GroupHost host_{clock_,
                  {groups_, catalog_, group_configs_, [this] { return std::to_string(++members_); }},
                  [this](std::function<void()> work) { jobs_.push_back(std::move(work)); }};
  std::shared_ptr<HostedShard> shard_;
};

TEST_F(HostedShardTest, RequestsAreRefusedWhileItLoads) {
  EXPECT_EQ(commit(7).refused, ErrorCode::coordinator_load_in_progress);
  EXPECT_EQ(read().call.refused, ErrorCode::coordinator_load_in_progress);
  shard_->start();
  run_jobs();  // read, and not yet taken by its home core
  EXPECT_EQ(shard_->state(), ErrorCode::coordinator_load_in_progress);
  EXPECT_EQ(read().call.refused, ErrorCode::coordinator_load_in_progress);
  turn();
  EXPECT_EQ(shard_->state(), ErrorCode::none);
  EXPECT_EQ(offset(), -1);
}

TEST_F(HostedShardTest, NothingIsAnsweredBeforeItsRecordIsStable) {
  load();
  const Committed written = commit(7);
  turn();  // the flush has begun, and the disk takes its time
  const Read between = read();
  EXPECT_EQ(between.offset, 7);
  EXPECT_FALSE(written.probe->is_done());
  EXPECT_FALSE(between.call.probe->is_done());
  settle();
  EXPECT_TRUE(written.is_answered());
  EXPECT_TRUE(between.call.is_answered());
  EXPECT_EQ(offset(), 7);
}

TEST_F(HostedShardTest, WhatWasAnsweredIsThereAfterALossOfPowerAtAnyStepOfTheNextCommit) {
  load();
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const auto sent = static_cast<std::int64_t>(10 * seed);
    const Committed answered = commit(sent);
    settle();
    ASSERT_TRUE(answered.is_answered());
    std::unique_ptr<storage::SimulatedDisk> found_later = disk_->after_power_loss(seed);
    const std::uint64_t last_step = disk_->steps() + seed % 8;
    disk_->on_step([&] {
      if (disk_->steps() <= last_step) found_later = disk_->after_power_loss(seed);
    });
    commit(sent + 1);
    settle();
    close();
    disk_ = std::move(found_later);
    open();
    load();
    const auto found = offset();
    ASSERT_TRUE(found) << "seed " << seed;
    EXPECT_GE(*found, sent) << "seed " << seed;
    EXPECT_LE(*found, sent + 1) << "seed " << seed;
  }
}

TEST_F(HostedShardTest, PartitionThatTakesNoRecordsForNowIsReadAndStepsAreRefused) {
  load();
  commit(7);
  settle();
  set_replicas_min(2);
  EXPECT_EQ(errors_logged([&] {
              for (int i = 0; i < 10; ++i) EXPECT_EQ(commit(8).refused, ErrorCode::coordinator_not_available);
            }),
            0);
  EXPECT_EQ(offset(), 7);
  EXPECT_TRUE(jobs_.empty());  // nothing is loaded again
  set_replicas_min(1);
  EXPECT_EQ(commit(9).refused, ErrorCode::none);
  settle();
  EXPECT_EQ(offset(), 9);
}

TEST_F(HostedShardTest, TimersWaitWhileThePartitionTakesNoRecords) {
  load();
  const auto joined = join("g", 150);
  settle();
  ASSERT_TRUE(joined->joined);
  set_replicas_min(2);
  const auto until = Steady::now() + milliseconds(400);
  while (Steady::now() < until) settle();
  EXPECT_NE(state_of("g"), "Empty");
  set_replicas_min(1);
  EXPECT_TRUE(await([&] { return state_of("g") == "Empty"; }));
}

TEST_F(HostedShardTest, ChangeOfTopicsIsTakenWhenThePartitionTakesRecordsAgain) {
  load();
  commit(7);
  settle();
  set_replicas_min(2);
  catalog_.remove("orders");
  shard_->topics_changed(TopicsChange::removed);
  settle();
  EXPECT_EQ(shard_->counts().offsets, 1u);
  set_replicas_min(1);
  EXPECT_TRUE(await([&] { return shard_->counts().offsets == 0; }));
}

TEST_F(HostedShardTest, TopicThatWasMadeTakesNoOffsetsWithItAndOneRemovedBeforeTheStartDoes) {
  load();
  commit(7);
  settle();
  catalog_.put("payments", 1);
  shard_->topics_changed(TopicsChange::made);
  settle();
  EXPECT_EQ(shard_->counts().offsets, 1u);
  close();
  catalog_.remove("orders");
  open();
  load();
  EXPECT_EQ(shard_->counts().offsets, 0u);
  catalog_.put("orders", 4);
  open_again();  // its tombstone is in the log
  EXPECT_EQ(shard_->counts().offsets, 0u);
}

TEST_F(HostedShardTest, BatchThatFindsNoMemoryIsOwedAndAppendedBeforeAnythingElse) {
  load();
  auto memory = take_all_memory();
  Committed owed;
  EXPECT_EQ(errors_logged([&] { owed = commit(7); }), 1);
  EXPECT_EQ(owed.refused, ErrorCode::none);
  settle();
  EXPECT_FALSE(owed.probe->is_done());
  EXPECT_EQ(errors_logged([&] {
              for (int i = 0; i < 10; ++i) EXPECT_EQ(commit(8).refused, ErrorCode::coordinator_not_available);
            }),
            0);
  const Read between = read();
  EXPECT_EQ(between.offset, 7);
  settle();
  EXPECT_FALSE(between.call.probe->is_done());
  memory.clear();
  const Committed next = commit(9);  // does not wait for the timer
  EXPECT_EQ(next.refused, ErrorCode::none);
  settle();
  EXPECT_TRUE(owed.is_answered());
  EXPECT_TRUE(between.call.is_answered());
  EXPECT_TRUE(next.is_answered());
  EXPECT_EQ(partition().positions().end, 2);
  EXPECT_EQ(offset(), 9);
  open_again();
  EXPECT_EQ(offset(), 9);
}

TEST_F(HostedShardTest, OwedBatchIsAppendedInTimeThoughNobodyAsks) {
  load();
  auto memory = take_all_memory();
  const Committed owed = commit(7);
  memory.clear();
  EXPECT_TRUE(await([&] { return owed.is_answered(); }));
  EXPECT_EQ(partition().positions().stable, 1);
}

TEST_F(HostedShardTest, AfterAFailedSyncTheShardShowsWhatWasStableAndTakesNoMore) {
  load();
  commit(7);
  settle();
  disk_->fail_sync(1);
  const Committed lost = commit(8);
  turn();
  const Read between = read();
  EXPECT_EQ(between.offset, 8);
  settle();
  EXPECT_TRUE(lost.is_answered(ErrorCode::coordinator_not_available));
  EXPECT_TRUE(between.call.is_answered(ErrorCode::coordinator_not_available));  // 8 is not shown to anybody
  EXPECT_EQ(read().call.refused, ErrorCode::coordinator_load_in_progress);
  run_jobs();
  settle();
  EXPECT_EQ(offset(), 7);
  EXPECT_EQ(commit(9).refused, ErrorCode::coordinator_not_available);
  EXPECT_EQ(offset(), 7);
  EXPECT_EQ(shard_->state(), ErrorCode::coordinator_not_available);
  EXPECT_TRUE(jobs_.empty());
  open_again();
  const auto found = offset();
  EXPECT_TRUE(found == 7 || found == 8);  // what was not answered may be there
  EXPECT_EQ(commit(10).refused, ErrorCode::none);
}

TEST_F(HostedShardTest, FullDiskLeavesWhatWasStableToBeRead) {
  load();
  std::int64_t answered = 0;
  commit(++answered);
  settle();
  disk_->set_capacity(disk_->used_bytes());
  Committed last;
  for (std::int64_t sent = 2; sent < 1'000'000; ++sent) {  // until what was allocated ahead is full too
    last = commit(sent);
    if (last.refused != ErrorCode::none) break;
    settle();
    if (!last.is_answered()) break;
    answered = sent;
  }
  EXPECT_EQ(partition().state(), ErrorCode::kafka_storage_error);
  run_jobs();
  settle();
  EXPECT_EQ(offset(), answered);
  EXPECT_EQ(commit(answered + 1).refused, ErrorCode::coordinator_not_available);
}

TEST_F(HostedShardTest, FailedPartitionIsNotReadAgainWhereTheShardKnowsNoMoreThanIt) {
  load();
  commit(7);
  settle();
  disk_->fail_sync(1);
  append_raw("somebody's", "bytes");  // not the shard's
  EXPECT_EQ(partition().state(), ErrorCode::kafka_storage_error);
  EXPECT_EQ(offset(), 7);
  EXPECT_TRUE(jobs_.empty());
  EXPECT_EQ(commit(8).refused, ErrorCode::coordinator_not_available);
}

TEST_F(HostedShardTest, MembersThatWaitAreSentAwayWhenTheLogFails) {
  groups_.classic.initial_rebalance_delay_ms = 60'000;
  load();
  const auto waiting = join("g", 10'000);
  settle();
  EXPECT_FALSE(waiting->joined);
  disk_->fail_sync(1);
  commit(7, "other");
  settle();
  EXPECT_EQ(waiting->error(), ErrorCode::coordinator_not_available);
}

TEST_F(HostedShardTest, LogThatFailsWhileABatchIsOwedSendsItsWaitersAway) {
  load();
  auto memory = take_all_memory();
  const Committed owed = commit(7);
  EXPECT_EQ(owed.refused, ErrorCode::none);
  partition().remove(ErrorCode::kafka_storage_error);  // as a failed write does
  EXPECT_TRUE(await([&] { return owed.is_answered(ErrorCode::coordinator_not_available); }));
  EXPECT_TRUE(await([&] { return offset() == -1; }));
}

TEST_F(HostedShardTest, RecordsThatAreNotUnderstoodAreLeftOutWithOneLineAndACount) {
  load();
  commit(7);
  settle();
  append_raw(std::string("\0\1", 2), "an offset's key that ends too soon");
  append_raw("", "no key");
  append_raw(std::string("\0\1\0\1g\0\1t\0\0\0\0", 12), "\x7f\x7f a value of no version that there is");
  commit(8, "other");
  settle();
  close();
  open();
  EXPECT_EQ(errors_logged([&] { load(); }), 2);
  EXPECT_EQ(offset(), 7);
  EXPECT_EQ(offset("other"), 8);
}

TEST_F(HostedShardTest, RecordsOfAVersionToComeAreLeftOutSilently) {
  load();
  append_raw(std::string("\x03\xe8", 2) + "from the future", "anything");
  close();
  open();
  EXPECT_EQ(errors_logged([&] { load(); }), 0);
  EXPECT_EQ(shard_->state(), ErrorCode::none);
}

TEST_F(HostedShardTest, BatchWhoseRecordsAreCutOffMakesTheShardUnavailableWithOneLine) {
  load();
  std::vector<std::byte> bytes;
  {
    records::BatchBuilder builder;
    builder.add({.timestamp = 1, .key = base::as_bytes(std::string_view("key")), .value = std::nullopt});
    bytes = builder.finish();
  }
  bytes.resize(bytes.size() - 2);
  base::store_big(bytes.data() + records::layout::batch_length,
                  static_cast<std::int32_t>(bytes.size() - records::layout::counted_from));
  records::seal(bytes);
  EXPECT_EQ(partition().append(*core_, *records::BatchView::frame(bytes), true).error, ErrorCode::none);
  settle();
  close();
  open();
  EXPECT_EQ(errors_logged([&] { load(); }), 1);
  EXPECT_EQ(commit(7).refused, ErrorCode::coordinator_not_available);
  EXPECT_EQ(read().call.refused, ErrorCode::coordinator_not_available);
}

TEST_F(HostedShardTest, ShardWhoseTopicIsRemovedSendsEverybodyToLookForTheCoordinator) {
  groups_.classic.initial_rebalance_delay_ms = 60'000;
  load();
  const auto waiting = join("g", 10'000);
  const Committed unfinished = commit(7, "other");
  turn();
  partition().remove(ErrorCode::unknown_topic_or_partition);
  EXPECT_TRUE(unfinished.is_answered(ErrorCode::not_coordinator));
  EXPECT_EQ(read().call.refused, ErrorCode::not_coordinator);
  EXPECT_EQ(commit(8).refused, ErrorCode::not_coordinator);
  EXPECT_EQ(waiting->error(), ErrorCode::not_coordinator);
  settle();
}

TEST_F(HostedShardTest, ShardThatIsStoppedWhileItLoadsStaysStopped) {
  shard_->start();
  shard_->stop(ErrorCode::not_coordinator);
  run_jobs();
  settle();
  EXPECT_EQ(commit(7).refused, ErrorCode::not_coordinator);
  EXPECT_EQ(read().call.refused, ErrorCode::not_coordinator);
}

}  // namespace
}  // namespace cms::broker
