// SPDX-License-Identifier: Apache-2.0
// Stopping in the middle of work: who was heard is answered, and nothing has to be recovered afterwards.
#include <filesystem>
#include <thread>

#include "tests/broker_test.h"

namespace cms::tests {
namespace {

constexpr std::int32_t partitions = 4;

// Sends batches of one record and counts the answers, until the broker hangs up.
class Sender {
 public:
  Sender(std::uint16_t port, std::int32_t partition) : wire_(port), partition_(partition) {}

  void run() {
    const Batch batch = batch_of("x");
    try {
      while (true) {
        for (; sent_ < acknowledged_ + 8; ++sent_) {
          wire_.send(produce_request("t", partition_, batch), named_produce);
        }
        const auto answer = wire_.receive<protocol::ProduceResponse>();
        if (answer.responses.at(0).partition_responses.at(0).error_code != ErrorCode::none) return;
        ++acknowledged_;
      }
    } catch (const std::runtime_error&) {
      return;  // the broker has stopped
    }
  }

  std::int64_t acknowledged() const { return acknowledged_; }

 private:
  Wire wire_;
  const std::int32_t partition_;
  std::int64_t sent_ = 0;
  std::int64_t acknowledged_ = 0;
};

// Each partition is produced to over several connections, so that one core flushes what others have taken.
TEST(StopTest, EveryRecordTakenIsAcknowledgedThoughAnotherCoreSyncsIt) {
  BrokerProcess broker({.settings = {"core.count=3"}});
  {
    Wire wire(broker.port());
    create_topic(wire, "t", partitions);
  }
  std::vector<std::int64_t> before(partitions, 0);
  for (int round = 0; round < 5; ++round) {
    std::vector<std::unique_ptr<Sender>> senders;
    std::vector<std::thread> threads;
    for (int i = 0; i < 12; ++i) {
      senders.push_back(std::make_unique<Sender>(broker.port(), i % partitions));
      threads.emplace_back([sender = senders.back().get()] { sender->run(); });
    }
    std::this_thread::sleep_for(milliseconds(200));
    EXPECT_EQ(broker.stop(), 0) << broker.log();
    for (std::thread& thread : threads) thread.join();
    broker.start();
    Wire wire(broker.port());
    for (std::int32_t p = 0; p < partitions; ++p) {
      std::int64_t acknowledged = before[static_cast<std::size_t>(p)];
      for (std::size_t i = 0; i < senders.size(); ++i) {
        if (static_cast<std::int32_t>(i) % partitions == p) acknowledged += senders[i]->acknowledged();
      }
      const Offset end = end_offset(wire, "t", p);
      EXPECT_EQ(end, acknowledged) << "partition " << p << ", round " << round;
      before[static_cast<std::size_t>(p)] = end;
    }
  }
}

TEST(StopTest, ManyWrittenPartitionsAreAllClosedCleanly) {
  BrokerProcess broker;
  constexpr std::int32_t many = 300;
  {
    Wire wire(broker.port());
    create_topic(wire, "t", many);
    for (std::int32_t p = 0; p < many; ++p) append(wire, "t", batch_of(std::to_string(p)), p);
  }
  EXPECT_EQ(broker.stop(), 0) << broker.log();
  std::size_t checkpoints = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(broker.data())) {
    checkpoints += entry.path().filename() == "partition.checkpoint" ? 1 : 0;
    if (entry.path().extension() == ".log" && entry.path().filename() != "metadata.log") {
      EXPECT_LT(entry.file_size(), 4096u) << entry.path();  // the zeros ahead are cut off
    }
  }
  EXPECT_EQ(checkpoints, static_cast<std::size_t>(many));
  broker.start();
  Wire wire(broker.port());
  for (std::int32_t p = 0; p < many; p += 37) {
    EXPECT_EQ(values_in(fetch(wire, "t", 0, {}, p).records), std::vector<std::string>{std::to_string(p)});
  }
}

}  // namespace
}  // namespace cms::tests
