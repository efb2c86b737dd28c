// SPDX-License-Identifier: Apache-2.0
// Everything at once: producers, readers, groups, compaction, administration and senders of garbage on topics of all
// durabilities, while the broker is stopped, killed and started again. It must not end by itself, must stop when it is
// told to, must answer everybody, and must have what it has acknowledged. Under the sanitizers this is where races and
// misuse of memory show.
//
// CMS_STRESS_SECONDS: how long each case runs; 6 by default, 300 for a thorough look.
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <random>
#include <thread>

#include "tests/broker_test.h"
#include "tests/group_requests.h"

namespace cms::tests {
namespace {

constexpr int topic_names = 6;  // few, so that who deletes one meets those who use it
constexpr auto between_restarts = milliseconds(1500);

milliseconds duration() {
  const char* const seconds = std::getenv("CMS_STRESS_SECONDS");
  return milliseconds(1000 * (seconds == nullptr ? 6 : std::atoi(seconds)));
}

// One client's choices.
class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}

  // 0 to below - 1.
  int below(int end) { return static_cast<int>(random_() % static_cast<unsigned>(end)); }
  bool one_in(int count) { return below(count) == 0; }
  template <typename T>
  T of(std::initializer_list<T> choices) {
    return choices.begin()[below(static_cast<int>(choices.size()))];
  }
  std::string topic() { return "t" + std::to_string(below(topic_names)); }
  std::string text(int bytes) {
    return std::string(static_cast<std::size_t>(bytes), static_cast<char>('a' + below(26)));
  }

 private:
  std::mt19937 random_;
};

class StressTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    port_ = broker_.port();
    Wire wire(broker_.port());
    create_topic(wire, "kept", 1, {{"segment.bytes", "1048576"}});
  }

  // Runs `turn` with one connection after another until the time is over. That the broker goes away or refuses
  // something is part of it; that it does not answer is not.
  template <typename Turn>
  void client(unsigned seed, Turn turn) {
    threads_.emplace_back([this, seed, turn] {
      Dice dice(seed);
      while (!over_) {
        try {
          Wire wire(port_);
          for (int turns = 1 + dice.below(100); turns > 0 && !over_; --turns) {
            turn(dice, wire);
            ++turns_;
          }
        } catch (const std::exception& error) {
          judge(error.what());
        }
      }
    });
  }

  void judge(std::string_view what) {
    for (const std::string_view expected :
         {"closed the connection", "connecting to port", "Connection reset", "Broken pipe", "creating ",
          "asking for a member id", "setting ", "producing to ", "reading "}) {
      if (what.find(expected) != std::string_view::npos) return;
    }
    const std::lock_guard lock(mutex_);
    if (failure_.empty()) failure_ = what;
    over_ = true;
  }

  void remember(Offset offset, std::string value) {
    const std::lock_guard lock(mutex_);
    acknowledged_[offset] = std::move(value);
  }

  // The calling thread's part: stops and kills until the time is over, or something is wrong.
  void restart_until_over(unsigned seed) {
    Dice dice(seed);
    const auto end = std::chrono::steady_clock::now() + duration();
    while (!over_ && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(between_restarts);
      if (dice.one_in(3)) {
        broker_.kill();
      } else {
        EXPECT_EQ(broker_.stop(), 0) << broker_.log();
      }
      broker_.start();
      port_ = broker_.port();
    }
  }

  void join() {
    over_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

  void expect_all_acknowledged() {
    Wire wire(broker_.port());
    std::map<Offset, std::string> there;
    for (ReadRecord& record : read_all(wire, "kept")) there[record.offset] = std::move(record.value);
    for (const auto& [offset, value] : acknowledged_) {
      ASSERT_TRUE(there.contains(offset)) << offset;
      ASSERT_EQ(there[offset], value) << offset;
    }
    EXPECT_FALSE(acknowledged_.empty());
  }

  BrokerProcess broker_{{.settings = {std::string("core.count=") + GetParam(), "log.memory.bytes=134217728",
                                      "log.retention.check.interval.ms=300", "log.tail.bytes=262144",
                                      "log.cleaner.backoff.ms=50", "log.cleaner.dedupe.buffer.size=1048576"}}};
  std::atomic<std::uint16_t> port_{0};
  std::atomic<bool> over_{false};
  std::atomic<int> turns_{0};  // that were answered
  std::vector<std::thread> threads_;

  // mutex_.
  std::mutex mutex_;
  std::map<Offset, std::string> acknowledged_;  // of topic "kept"
  std::string failure_;
};

// Few keys, so that compaction has something to remove.
Batch some_batch(Dice& dice) {
  records::BatchBuilder builder({.codec = static_cast<records::Codec>(dice.below(5))});
  const std::string value = dice.text(dice.of({10, 1000, 30'000}));
  for (int count = 1 + dice.below(20); count > 0; --count) {
    const std::string key = "k" + std::to_string(dice.below(10));
    std::optional<ByteSpan> content = base::as_bytes(value);
    if (dice.one_in(10)) content.reset();
    builder.add({.timestamp = now_ms(), .key = base::as_bytes(key), .value = content});
  }
  return builder.finish();
}

void produce_anything(Dice& dice, Wire& wire) {
  const Batch batch = some_batch(dice);
  const std::string topic = dice.topic();
  const auto acks = dice.of<std::int16_t>({-1, -1, 0, 1});
  const auto request = produce_request(topic, dice.below(3), batch, acks);
  if (acks == 0) {
    wire.send_unanswered(request, named_produce);
    return;
  }
  const int pipelined = 1 + dice.below(8);
  for (int i = 0; i < pipelined; ++i) wire.send(request, named_produce);
  if (dice.one_in(30)) wire.shut_down_sending();
  for (int i = 0; i < pipelined; ++i) wire.receive<protocol::ProduceResponse>();
}

void read_anything(Dice& dice, Wire& wire) {
  const std::string topic = dice.topic();
  const std::int32_t partition = dice.below(3);
  Offset from = 0;
  if (dice.one_in(2)) from = std::max<Offset>(0, end_offset(wire, topic, partition) - dice.below(3));
  if (dice.one_in(4)) from = std::max<Offset>(0, start_offset(wire, topic, partition));
  protocol::FetchRequest request = fetch_request(
      topic, from, {.max_wait_ms = dice.of({0, 10, 200}), .min_bytes = dice.of({1, 1, 100'000})}, partition);
  for (int more = dice.below(4); more > 0; --more) add_to(request, dice.topic(), dice.below(3), 0);
  wire.send(request, named_fetch);
  if (dice.one_in(20)) throw std::runtime_error("closed the connection: we have, with a request under way");
  for (const auto& of_topic : wire.receive<protocol::FetchResponse>().responses) {
    for (const auto& of_partition : of_topic.partitions) records_in(of_partition.records.bytes());
  }
}

void administer(Dice& dice, Wire& wire) {
  const std::string topic = dice.topic();
  switch (dice.below(9)) {
    case 0:
      delete_topic(wire, topic);
      break;
    case 1:
    case 2:
      create_topic(wire, topic, 1 + dice.below(3),
                   {{"cms.durability", dice.of<std::string>({"persistent", "volatile", "transient"})},
                    {"cleanup.policy", dice.of<std::string>({"delete", "compact", "compact,delete"})},
                    {"min.cleanable.dirty.ratio", "0.01"},
                    {"segment.bytes", "1048576"},
                    {"retention.bytes", dice.of<std::string>({"-1", "2097152"})}});
      break;
    case 3:
      set_config(wire, topic, "retention.ms", dice.of<std::string>({"500", "604800000"}));
      break;
    case 4:
      set_config(wire, topic, "flush.messages", dice.of<std::string>({"1", "1000"}));
      break;
    case 5:
      delete_records(wire, topic, -1);
      break;
    case 6:
      list_offset(wire, topic, dice.of<std::int64_t>({-3, 0, now_ms() - 300}));
      break;
    case 7: {
      protocol::CreatePartitionsRequest request;
      request.topics.push_back({.name = topic, .count = 1 + dice.below(3), .assignments = {}});
      wire.call(request);
      break;
    }
    default:
      metadata_of(wire, topic);
      wire.call(protocol::DescribeLogDirsRequest{});
  }
}

// A member of a classic group, from its join to its end, whatever that is: the other member of the group and the
// restarts come in between.
void be_a_member(Dice& dice, std::uint16_t port) {
  ClassicMember member(
      port, {.group = "g" + std::to_string(dice.below(2)), .session_timeout_ms = 6000, .rebalance_timeout_ms = 500});
  member.send_join();
  if (dice.one_in(5) || member.receive_join().error_code != ErrorCode::none) return;
  ClassicMember::Assignments assignments;
  for (const auto& one : member.joined().members) assignments[one.member_id] = one.member_id;
  member.send_sync(assignments);
  if (dice.one_in(5)) return;
  member.receive_sync();
  for (int beats = dice.below(20); beats > 0 && member.heartbeat() == ErrorCode::none; --beats)
    member.commit(dice.topic(), 0, dice.below(1000));
  if (!dice.one_in(3)) member.leave();
}

void use_groups(Dice& dice, Wire& wire) {
  const std::string group = "g" + std::to_string(dice.below(4));
  ConsumerMember member("c" + std::to_string(dice.below(2)), "member-" + std::to_string(dice.below(6)),
                        {dice.topic(), dice.topic()});
  switch (dice.below(6)) {
    case 0:
      commit(wire, group, dice.topic(), dice.below(3), dice.below(1000));
      break;
    case 1:
      fetch_offsets(wire, group);
      break;
    case 2:
      described(wire, group);
      listed(wire, group);
      break;
    case 3:
      delete_group(wire, group);
      break;
    default:
      for (int beats = dice.below(8); beats > 0 && member.beat(wire) == ErrorCode::none; --beats) continue;
      if (dice.one_in(2)) member.leave(wire);
      described_consumer(wire, member.group());
  }
}

void send_garbage(Dice& dice, Wire& wire) {
  std::vector<std::byte> noise(static_cast<std::size_t>(dice.below(300)));
  for (std::byte& byte : noise) byte = static_cast<std::byte>(dice.below(256));
  wire.send_bytes(raw_frame(dice.of<std::int16_t>({0, 1, 2, 3, 18, 19, 32}), static_cast<Version>(dice.below(14)), 7,
                            noise, dice.one_in(2)));
  if (dice.one_in(2)) wire.send_bytes(ByteSpan(raw_frame(0, 9, 8, {}, true)).first(9));
  throw std::runtime_error("closed the connection: we have");
}

TEST_P(StressTest, EverythingAtOnceOverStopsAndKillsBreaksNothing) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  for (unsigned i = 0; i < 3; ++i) client(seed + i, produce_anything);
  for (unsigned i = 3; i < 6; ++i) client(seed + i, read_anything);
  for (unsigned i = 6; i < 8; ++i) client(seed + i, administer);
  client(seed + 8, send_garbage);
  for (unsigned i = 10; i < 12; ++i) client(seed + i, [this](Dice& dice, Wire&) { be_a_member(dice, port_); });
  for (unsigned i = 12; i < 14; ++i) client(seed + i, use_groups);
  client(seed + 9, [this](Dice& dice, Wire& wire) {
    const std::string value = dice.text(200) + std::to_string(dice.below(1 << 30));
    remember(append(wire, "kept", batch_of(value)), value);
  });
  std::string failure;
  try {
    restart_until_over(seed);
  } catch (const std::runtime_error& error) {
    failure = error.what();
  }
  join();
  ASSERT_EQ(failure, "");
  ASSERT_EQ(failure_, "");
  expect_all_acknowledged();
  EXPECT_GT(turns_, 10);
  RecordProperty("turns", turns_);
  EXPECT_EQ(broker_.stop(), 0) << broker_.log();
}

INSTANTIATE_TEST_SUITE_P(Cores, StressTest, ::testing::Values("1", "2"),
                         [](const auto& of) { return std::string(of.param); });

}  // namespace
}  // namespace cms::tests
