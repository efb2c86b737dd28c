// SPDX-License-Identifier: Apache-2.0
#include "broker/topics/partition.h"

#include <filesystem>
#include <future>
#include <thread>

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include "broker/topics/log_factory.h"
#include "storage/arena.h"
#include "storage/file_system.h"
#include "storage/make_io_queue.h"
#include "storage/open_files.h"
#include "storage/segmented_log.h"
#include "storage/test_batches.h"
#include "storage/test_directory.h"

namespace cms::broker {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds patience{10'000};

// A core on a thread of its own, as the server runs it.
class RunningCore {
 public:
  explicit RunningCore(int index)
      : core_(index, storage::make_io_queue(storage::choose_io_queue_kind()), std::chrono::microseconds(0)),
        thread_([this] { core_.run(); }) {}
  ~RunningCore() {
    core_.stop();
    thread_.join();
  }

  // As a connection's turn; returns when it is over.
  template <typename Work>
  void turn(Work work) {
    std::promise<void> done;
    boost::asio::post(core_.loop(), [&] {
      work(core_);
      core_.end_of_turn();
      done.set_value();
    });
    done.get_future().wait();
  }

 private:
  Core core_;
  std::thread thread_;
};

// A persistent partition over real files.
class PartitionTest : public ::testing::Test {
 protected:
  static std::shared_ptr<const EffectiveTopicConfig> flushing(std::int64_t messages, std::int64_t ms) {
    auto config = std::make_shared<EffectiveTopicConfig>();
    config->flush_messages = messages;
    config->flush_ms = ms;
    return config;
  }

  void open(std::int64_t flush_messages, std::int64_t flush_ms) {
    const auto config = flushing(flush_messages, flush_ms);
    auto log = storage::SegmentedLog::open({files_, arena_, clock_}, directory_ / "0", log_options(*config, 1000), {});
    ASSERT_TRUE(log) << log.error().message();
    partition_ = std::make_shared<Partition>(
        Partition::Identity{.topic = "t"}, std::move(*log), replication::View{.number = 0, .members = {1}}, config, 0,
        PartitionEnvironment{clock_, [](const std::function<void()>& work) { work(); }, {}});
  }

  void append(RunningCore& core) {
    core.turn([this](Core& on) {
      const auto batch = storage::test::make_batch({.records = 1});
      EXPECT_EQ(partition_->append(on, storage::test::view_of(batch), false).error, ErrorCode::none);
    });
  }

  // Returns when everything below `offset` is synced, and how long that took; no value: never.
  std::optional<milliseconds> await_synced(Offset offset, milliseconds limit = patience) {
    const auto begin = Steady::now();
    while (partition_->positions().synced < offset) {
      if (Steady::now() - begin > limit) return std::nullopt;
      std::this_thread::sleep_for(milliseconds(1));
    }
    return std::chrono::duration_cast<milliseconds>(Steady::now() - begin);
  }

  storage::TestDirectory directory_;
  storage::FileSystem disk_;
  storage::OpenFiles files_{disk_, 64};
  storage::Arena arena_{{.budget_bytes = 64u << 20}};
  base::SystemClock clock_;
  std::shared_ptr<Partition> partition_;
};

TEST_F(PartitionTest, RecordIsSyncedWithItsFlushByDefault) {
  RunningCore core(0);
  open(1, EffectiveTopicConfig::no_limit);
  append(core);
  EXPECT_TRUE(await_synced(1));
}

TEST_F(PartitionTest, RecordIsNotSyncedBeforeFlushMessagesSaysSo) {
  RunningCore core(0);
  open(3, EffectiveTopicConfig::no_limit);
  append(core);
  append(core);
  EXPECT_FALSE(await_synced(1, milliseconds(200)));
  append(core);
  EXPECT_TRUE(await_synced(3));
}

TEST_F(PartitionTest, RecordIsSyncedWhenFlushMsHasPassedThoughNobodyAppends) {
  RunningCore core(0);
  open(1'000'000, 150);
  for (Offset end = 1; end <= 3; ++end) {  // also what comes after a sync
    const auto begin = Steady::now();
    append(core);
    while (partition_->positions().stable < end && Steady::now() - begin < patience) std::this_thread::yield();
    if (Steady::now() - begin < milliseconds(100)) {
      EXPECT_EQ(partition_->positions().synced, end - 1);
    }
    ASSERT_TRUE(await_synced(end));
    EXPECT_GE(Steady::now() - begin, milliseconds(149));
    EXPECT_LT(Steady::now() - begin, milliseconds(1500));
  }
}

TEST_F(PartitionTest, RecordsThatKeepComingFromTwoCoresAreSyncedWithinFlushMs) {
  RunningCore first(0);
  RunningCore second(1);
  open(1'000'000, 50);
  const auto until = Steady::now() + milliseconds(800);
  Offset end = 0;
  Offset synced = 0;
  int syncs = 0;
  auto last_sync = Steady::now();
  for (; Steady::now() < until; ++end) {
    append(end % 2 == 0 ? first : second);
    const Offset now_synced = partition_->positions().synced;
    if (now_synced == synced) {
      ASSERT_LT(Steady::now() - last_sync, milliseconds(2000)) << end;
      continue;
    }
    synced = now_synced;
    last_sync = Steady::now();
    ++syncs;
  }
  EXPECT_GE(syncs, 2);
  EXPECT_LE(syncs, 17);  // and not with each append
  EXPECT_TRUE(await_synced(end));
}

TEST_F(PartitionTest, ShorterFlushMsCountsForWhatWaitsAlready) {
  RunningCore core(0);
  open(1'000'000, EffectiveTopicConfig::no_limit);
  append(core);
  EXPECT_FALSE(await_synced(1, milliseconds(100)));
  const auto config = flushing(1'000'000, 10);
  partition_->set_config(config, log_options(*config, 1000));
  EXPECT_TRUE(await_synced(1));
}

TEST_F(PartitionTest, AppendIsWhollyBeforeOrAfterARetirement) {
  RunningCore core(0);
  for (int round = 0; round < 40; ++round) {
    open(1, EffectiveTopicConfig::no_limit);
    ErrorCode appended = ErrorCode::unknown_server_error;
    std::atomic<bool> ready{false};
    std::thread producer([&] {
      core.turn([&](Core& on) {
        const auto batch = storage::test::make_batch({.records = 1});
        ready = true;
        for (int pause = 0; pause < round; ++pause) std::this_thread::yield();
        appended = partition_->append(on, storage::test::view_of(batch), false).error;
      });
    });
    while (!ready) std::this_thread::yield();
    const bool retired = partition_->retire_unused().ok();
    producer.join();
    EXPECT_EQ(appended, retired ? ErrorCode::not_leader_or_follower : ErrorCode::none);
    EXPECT_EQ(partition_->positions().end, retired ? 0 : 1);
    if (!retired) {
      EXPECT_TRUE(await_synced(1));
    }
    core.turn([](Core& on) { on.finish_flushes(); });
    partition_.reset();
    std::filesystem::remove_all(directory_ / "0");
  }
}

TEST_F(PartitionTest, PartitionThatWasTakenUpAgainServes) {
  RunningCore core(0);
  open(1, EffectiveTopicConfig::no_limit);
  ASSERT_TRUE(partition_->retire_unused());
  EXPECT_EQ(partition_->read({.offset = 0}, nullptr).error, ErrorCode::not_leader_or_follower);
  partition_->take_up_again();
  append(core);
  EXPECT_TRUE(await_synced(1));
  EXPECT_FALSE(partition_->retire_unused());
}

}  // namespace
}  // namespace cms::broker
