// SPDX-License-Identifier: Apache-2.0
// What each durability promises, kept over stops and kills.
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <random>
#include <thread>

#include "tests/broker_test.h"

namespace cms::tests {
namespace {

// One idempotent producer that never gives up: after each kill it sends again what was not acknowledged.
class StubbornProducer {
 public:
  static constexpr std::int32_t in_flight_max = 5;
  static constexpr std::int32_t records_in_batch = 2;

  StubbornProducer(std::int64_t id, std::int32_t partition) : id_(id), partition_(partition) {}

  // Until the broker is gone.
  void produce_to(std::uint16_t port) {
    try {
      Wire wire(port);
      std::int32_t next = acknowledged();
      while (true) {
        for (; next < acknowledged() + in_flight_max; ++next) send(wire, next);
        receive(wire);
      }
    } catch (const std::runtime_error& gone) {
      set_failure(gone.what());
    }
  }

  // Until so many batches more have been acknowledged than before.
  void await(std::int32_t more) {
    std::unique_lock lock(mutex_);
    const std::size_t wanted = offsets_.size() + static_cast<std::size_t>(more);
    if (!changed_.wait_for(lock, patience, [&] { return offsets_.size() >= wanted || !failure_.empty(); }) ||
        offsets_.size() < wanted)
      throw std::runtime_error("no progress: " + failure_);
  }

  // Every record once and in order; those acknowledged where the broker said they are.
  void check(Wire& wire) const {
    const std::vector<ReadRecord> all = read_all(wire, "t", 0, partition_);
    ASSERT_GE(all.size(), offsets_.size() * records_in_batch) << "acknowledged records are lost";
    for (std::size_t i = 0; i < all.size(); ++i) {
      ASSERT_EQ(all[i].offset, static_cast<Offset>(i));
      ASSERT_EQ(all[i].value, std::to_string(i)) << "lost, twice or out of order";
    }
    for (std::size_t i = 0; i < offsets_.size(); ++i) ASSERT_EQ(offsets_[i], static_cast<Offset>(i * records_in_batch));
  }

  void forget_failure() { failure_.clear(); }

 private:
  void send(Wire& wire, std::int32_t batch) {
    const Batch bytes = numbered(id_, 0, batch * records_in_batch, records_in_batch);
    wire.send(produce_request("t", partition_, bytes), named_produce);
  }

  void receive(Wire& wire) {
    const auto response = wire.receive<protocol::ProduceResponse>();
    const auto& answer = response.responses.at(0).partition_responses.at(0);
    if (answer.error_code != ErrorCode::none)
      throw std::runtime_error(std::string(protocol::name_of(answer.error_code)));
    const std::lock_guard lock(mutex_);
    offsets_.push_back(answer.base_offset);
    changed_.notify_all();
  }

  std::int32_t acknowledged() {
    const std::lock_guard lock(mutex_);
    return static_cast<std::int32_t>(offsets_.size());
  }

  void set_failure(std::string why) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(why);
    changed_.notify_all();
  }

  const std::int64_t id_;
  const std::int32_t partition_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Offset> offsets_;  // of the batches acknowledged
  std::string failure_;
};

TEST(KillTest, TwentyKillsUnderLoadLoseRepeatAndReorderNothingAcknowledged) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  BrokerProcess broker;
  std::vector<std::unique_ptr<StubbornProducer>> producers;
  {
    Wire wire(broker.port());
    create_topic(wire, "t", 2, {{"segment.bytes", "1048576"}});
    for (std::int32_t partition = 0; partition < 2; ++partition)
      producers.push_back(std::make_unique<StubbornProducer>(new_producer_id(wire), partition));
  }
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> threads;
    for (auto& producer : producers) {
      producer->forget_failure();
      threads.emplace_back([&] { producer->produce_to(broker.port()); });
    }
    std::string failure;
    try {
      for (auto& producer : producers) producer->await(static_cast<std::int32_t>(50 + random() % 300));
    } catch (const std::runtime_error& error) {
      failure = error.what();
    }
    broker.kill();
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(failure, "") << "round " << round;
    broker.start();
  }
  Wire wire(broker.port());
  for (const auto& producer : producers) producer->check(wire);
}

TEST(KillTest, LeaderEpochsOfAllDurabilitiesRiseWithEachStart) {
  BrokerProcess broker;
  std::map<std::string, std::int32_t> epochs;
  for (int round = 0; round < 3; ++round) {
    Wire wire(broker.port());
    for (const std::string durability : {"persistent", "volatile", "transient"}) {
      if (round == 0) create_topic(wire, durability, 1, {{"cms.durability", durability}});
      const std::int32_t epoch = leader_epoch(wire, durability);
      if (round > 0) {
        EXPECT_GT(epoch, epochs[durability]) << durability;
      }
      epochs[durability] = epoch;
    }
    round == 0 ? broker.kill() : static_cast<void>(broker.stop());
    broker.start();
  }
}

class VolatileTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    Wire wire(broker_.port());
    create_topic(wire, "t", 1, {{"cms.durability", GetParam()}});
    for (int i = 0; i < 10; ++i) append(wire, "t", batch_of("before"));
    epoch_ = leader_epoch(wire, "t");
  }

  // An old reader meets an error, never other records under its offsets.
  void expect_old_readers_are_told() {
    Wire wire(broker_.port());
    const Offset start = start_offset(wire, "t");
    EXPECT_GE(start, 10);
    for (const Offset old : {Offset{0}, Offset{5}, Offset{9}}) {
      EXPECT_EQ(fetch(wire, "t", old).error, ErrorCode::offset_out_of_range) << old;
      EXPECT_EQ(fetch(wire, "t", old, {.current_leader_epoch = epoch_}).error, ErrorCode::fenced_leader_epoch) << old;
    }
    EXPECT_GT(leader_epoch(wire, "t"), epoch_);
    const Offset next = append(wire, "t", batch_of("after"));
    EXPECT_GE(next, 10);
    EXPECT_EQ(next, start);
    EXPECT_EQ(fetch(wire, "t", 9).error, ErrorCode::offset_out_of_range);
  }

  BrokerProcess broker_;
  std::int32_t epoch_ = -1;
};

TEST_P(VolatileTest, OffsetsAreNotUsedAgainAfterAKill) {
  Offset last = 9;
  for (int round = 0; round < 3; ++round) {
    broker_.kill();
    broker_.start();
    Wire wire(broker_.port());
    const Offset next = append(wire, "t", batch_of("after"));
    EXPECT_GT(next, last);
    last = next;
  }
}

TEST_P(VolatileTest, OldReadersAreToldAfterAKill) {
  broker_.kill();
  broker_.start();
  expect_old_readers_are_told();
}

TEST_P(VolatileTest, StopKeepsTheNextOffsetExactly) {
  EXPECT_EQ(broker_.stop(), 0);
  broker_.start();
  {
    Wire wire(broker_.port());
    EXPECT_EQ(end_offset(wire, "t"), 10);
  }
  expect_old_readers_are_told();
}

INSTANTIATE_TEST_SUITE_P(InMemory, VolatileTest, ::testing::Values("volatile", "transient"),
                         [](const auto& of) { return std::string(of.param); });

TEST(PersistentTest, StopKeepsTheNextOffsetAndEveryRecord) {
  BrokerProcess broker;
  for (int round = 0; round < 3; ++round) {
    Wire wire(broker.port());
    if (round == 0) create_topic(wire, "t");
    EXPECT_EQ(end_offset(wire, "t"), round * 5);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(append(wire, "t", batch_of(std::to_string(round * 5 + i))), round * 5 + i);
    EXPECT_EQ(broker.stop(), 0);
    broker.start();
  }
  Wire wire(broker.port());
  const auto all = read_all(wire, "t");
  ASSERT_EQ(all.size(), 15u);
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].value, std::to_string(i));
}

// Durabilities that keep nothing on the disk.
class InMemoryTest : public BrokerTest {};

TEST_F(InMemoryTest, NoFileHoldsARecordOfAVolatileOrTransientTopic) {
  const std::string marker = "a-value-that-is-nowhere-else-" + std::to_string(now_ms());
  for (const std::string durability : {"volatile", "transient"}) {
    create_topic(wire_, durability, 1, {{"cms.durability", durability}});
    for (int i = 0; i < 100; ++i) append(wire_, durability, batch_of(marker));
  }
  create_topic(wire_, "persistent");
  append(wire_, "persistent", batch_of("on the disk: " + marker.substr(2)));
  std::size_t with_marker = 0;
  std::size_t with_control = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(broker().data())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    if (bytes.find(marker) != std::string::npos) ++with_marker;
    if (bytes.find(marker.substr(2)) != std::string::npos) ++with_control;
  }
  EXPECT_EQ(with_marker, 0u);
  EXPECT_EQ(with_control, 1u);  // the search does find what is there
}

TEST_F(InMemoryTest, VolatileTopicIsReadFromItsStart) {
  create_topic(wire_, topic(), 1, {{"cms.durability", "volatile"}});
  for (int i = 0; i < 50; ++i) append(wire_, topic(), batch_of(std::to_string(i)));
  const auto all = read_all(wire_, topic());
  ASSERT_EQ(all.size(), 50u);
  EXPECT_EQ(all[49].value, "49");
}

TEST_F(InMemoryTest, TransientRecordReachesEveryFetchThatWaits) {
  create_topic(wire_, topic(), 1, {{"cms.durability", "transient"}});
  for (int round = 0; round < 20; ++round) {
    std::vector<Wire> readers;
    for (int i = 0; i < 3; ++i) {
      Wire& reader = readers.emplace_back(broker().port());
      reader.send(fetch_request(topic(), round, {.max_wait_ms = 600'000}), named_fetch);
    }
    EXPECT_EQ(append(wire_, topic(), batch_of(std::to_string(round))), round);
    for (Wire& reader : readers) {
      const Fetched fetched = receive_fetched(reader);
      ASSERT_EQ(fetched.error, ErrorCode::none);
      EXPECT_EQ(records_in(fetched.records).at(0).offset, round);
      EXPECT_EQ(records_in(fetched.records).at(0).value, std::to_string(round));
    }
  }
}

TEST_F(InMemoryTest, ReaderBetweenTwoFetchesOfATransientTopicMissesNothing) {
  create_topic(wire_, topic(), 1, {{"cms.durability", "transient"}});
  Wire reader = connect();
  Offset next = 0;
  for (int i = 0; i < 200; ++i) {
    append(wire_, topic(), batch_of(std::to_string(i)));
    if (i % 7 != 6) continue;  // several came since it asked last
    const Fetched fetched = fetch(reader, topic(), next);
    ASSERT_EQ(fetched.error, ErrorCode::none);
    for (const ReadRecord& record : records_in(fetched.records)) {
      ASSERT_EQ(record.offset, next);
      ASSERT_EQ(record.value, std::to_string(next));
      ++next;
    }
  }
  EXPECT_EQ(next, 196);
}

}  // namespace
}  // namespace cms::tests
