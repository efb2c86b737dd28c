// SPDX-License-Identifier: Apache-2.0
// Members of a group that are killed, frozen, leave and join while records flow. Each commits what it has read; what
// was committed with success must tile every partition: nothing left out, nothing in two commits, each read in order.
#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>
#include <thread>

#include "tests/broker_test.h"
#include "tests/group_requests.h"

namespace cms::tests {
namespace {

constexpr std::int32_t session_timeout_ms = 3'000;
constexpr milliseconds pause_when_idle{30};

struct Flow {
  std::string protocol;
  int members;
  std::int32_t partitions;
  int changes;  // members killed, frozen, gone or come
};

void PrintTo(const Flow& flow, std::ostream* out) { *out << flow.protocol << flow.members; }

// What members have committed, and what they have seen that must not be. Any thread.
class Ledger {
 public:
  explicit Ledger(std::int32_t partitions) : commits_(static_cast<std::size_t>(partitions)) {}

  void committed(std::int32_t partition, Offset from, Offset to) {
    const std::lock_guard lock(mutex_);
    commits_[static_cast<std::size_t>(partition)].emplace_back(from, to);
  }
  void complain(const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (complaints_.size() < 10) complaints_.push_back(what);
  }

  // Offsets [0, end) of each partition are in one successful commit each.
  void expect_tiled(const std::vector<Offset>& ends) {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(complaints_, std::vector<std::string>{});
    for (std::size_t i = 0; i < commits_.size(); ++i) {
      std::ranges::sort(commits_[i]);
      Offset at = 0;
      for (const auto& [from, to] : commits_[i]) {
        ASSERT_EQ(from, at) << "partition " << i << (from < at ? ": committed twice" : ": left out");
        at = to;
      }
      ASSERT_EQ(at, ends[i]) << "partition " << i;
    }
  }

 private:
  std::mutex mutex_;
  std::vector<std::vector<std::pair<Offset, Offset>>> commits_;
  std::vector<std::string> complaints_;
};

// Reads and commits the partitions that a member owns.
class Reader {
 public:
  Reader(Wire& wire, Ledger& ledger) : wire_(wire), ledger_(ledger) {}

  // Those kept go on; new ones begin at what is committed.
  void own(const std::vector<std::int32_t>& partitions) {
    std::erase_if(positions_,
                  [&](const auto& one) { return std::ranges::find(partitions, one.first) == partitions.end(); });
    for (const std::int32_t partition : partitions) {
      if (!positions_.contains(partition))
        positions_[partition] = std::max<Offset>(0, committed(wire_, "g", "t", partition));
    }
  }
  void own_nothing() { positions_.clear(); }

  // One round over its partitions; false when a commit was refused: it is no member any more, or must see first what
  // has changed.
  bool read(const Claim& claim) {
    bool idle = true;
    for (auto& [partition, position] : positions_) {
      const Fetched fetched = fetch(wire_, "t", position, {.partition_max_bytes = 2'000}, partition);
      if (fetched.records.empty()) continue;
      idle = false;
      const Offset from = position;
      Offset next = from;
      for (const ReadRecord& record : records_in(fetched.records)) {
        if (record.offset < from) continue;
        if (record.offset != next || record.value != std::to_string(next)) ledger_.complain("out of order");
        next = record.offset + 1;
      }
      if (commit(wire_, "g", "t", partition, next, claim) != ErrorCode::none) return false;
      ledger_.committed(partition, from, next);
      position = next;
    }
    if (idle) std::this_thread::sleep_for(pause_when_idle);
    return true;
  }

 private:
  Wire& wire_;
  Ledger& ledger_;
  std::map<std::int32_t, Offset> positions_;
};

// What a test wants of a member.
enum class Wanted { run, leave, die };

struct Control {
  std::atomic<Wanted> wanted{Wanted::run};
  std::atomic<int> frozen_ms{0};

  // False when the member is to stop. A frozen client does nothing at all for a while.
  bool goes_on() {
    if (const int span = frozen_ms.exchange(0); span > 0) std::this_thread::sleep_for(milliseconds(span));
    return wanted == Wanted::run;
  }
};

std::vector<std::int32_t> numbers_in(const std::string& text) {
  std::vector<std::int32_t> numbers;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    numbers.push_back(std::stoi(text.substr(at, comma - at)));
    at = comma + 1;
  }
  return numbers;
}

// An eager consumer: gives up everything before each rebalance.
class ClassicRunner {
 public:
  ClassicRunner(std::uint16_t port, std::int32_t partitions, Ledger& ledger)
      : member_(port,
                {.group = "g", .session_timeout_ms = session_timeout_ms, .rebalance_timeout_ms = session_timeout_ms}),
        partitions_(partitions),
        reader_(member_.wire(), ledger) {}

  void run(Control& control) {
    while (control.goes_on()) {
      if (!join()) continue;
      reader_.own(numbers_in(member_.assignment()));
      while (control.goes_on() && is_in_generation() && reader_.read(member_.claim())) {
      }
      reader_.own_nothing();
    }
    if (control.wanted == Wanted::leave) member_.leave();
  }

 private:
  bool is_in_generation() {
    const ErrorCode error = member_.heartbeat();
    if (error == ErrorCode::unknown_member_id) member_.forget_id();
    return error == ErrorCode::none;
  }

  bool join() {
    member_.send_join();
    if (member_.receive_join().error_code != ErrorCode::none) {
      member_.forget_id();
      return false;
    }
    member_.send_sync(member_.leads() ? assignments() : ClassicMember::Assignments{});
    const ErrorCode error = member_.receive_sync().error_code;
    if (error == ErrorCode::unknown_member_id) member_.forget_id();
    return error == ErrorCode::none;
  }

  ClassicMember::Assignments assignments() const {
    ClassicMember::Assignments all;
    const auto& members = member_.joined().members;
    for (std::int32_t i = 0; i < partitions_; ++i) {
      std::string& one = all[members[static_cast<std::size_t>(i) % members.size()].member_id];
      one += (one.empty() ? "" : ",") + std::to_string(i);
    }
    return all;
  }

  ClassicMember member_;
  const std::int32_t partitions_;
  Reader reader_;
};

class ConsumerRunner {
 public:
  ConsumerRunner(std::uint16_t port, std::int32_t, Ledger& ledger)
      : wire_(port), member_("g", base_id() + "-" + std::to_string(++last_id()), {"t"}), reader_(wire_, ledger) {}

  void run(Control& control) {
    while (control.goes_on()) {
      if (member_.beat(wire_) != ErrorCode::none) {
        reader_.own_nothing();
        continue;
      }
      std::vector<std::int32_t> owned;
      for (const auto& [topic, partitions] : member_.owned()) owned = partitions;
      reader_.own(owned);
      reader_.read(member_.claim());
    }
    if (control.wanted == Wanted::leave) member_.leave(wire_);
  }

 private:
  static std::string base_id() { return "member"; }
  static std::atomic<int>& last_id() {
    static std::atomic<int> id;
    return id;
  }

  Wire wire_;
  ConsumerMember member_;
  Reader reader_;
};

class FlowTest : public ::testing::TestWithParam<Flow> {
 protected:
  struct Running {
    std::unique_ptr<Control> control;
    std::thread thread;
  };

  void TearDown() override {
    for (Running& member : members_) stop(member, Wanted::die);
    producing_ = false;
    if (producer_.joinable()) producer_.join();
  }

  void start_member() {
    auto control = std::make_unique<Control>();
    std::thread thread([this, &control = *control] {
      try {
        if (GetParam().protocol == "Classic") {
          ClassicRunner(broker_.port(), GetParam().partitions, ledger_).run(control);
        } else {
          ConsumerRunner(broker_.port(), GetParam().partitions, ledger_).run(control);
        }
      } catch (const std::exception& error) {
        ledger_.complain(error.what());
      }
    });
    members_.push_back({std::move(control), std::move(thread)});
  }

  static void stop(Running& member, Wanted how) {
    member.control->wanted = how;
    if (member.thread.joinable()) member.thread.join();
  }

  // Values count up in each partition.
  void produce_records() {
    producer_ = std::thread([this] {
      Wire wire(broker_.port());
      while (producing_) {
        for (std::int32_t i = 0; i < GetParam().partitions; ++i) {
          Offset& end = ends_[static_cast<std::size_t>(i)];
          std::vector<std::string> values;
          for (int n = 0; n < 5; ++n) values.push_back(std::to_string(end + n));
          append(wire, "t", batch_holding(values), i);
          end += 5;
        }
        std::this_thread::sleep_for(milliseconds(20));
      }
    });
  }

  void change(std::mt19937& random) {
    const std::size_t which = random() % members_.size();
    switch (random() % 4) {
      case 0:
        stop(members_[which], Wanted::die);  // its session has to run out
        start_member();
        break;
      case 1:
        stop(members_[which], Wanted::leave);
        start_member();
        break;
      case 2:
        members_[which].control->frozen_ms = session_timeout_ms + 500;  // comes back as a zombie
        break;
      default:
        members_[which].control->frozen_ms = 500;
    }
    std::erase_if(members_, [](const Running& member) { return !member.thread.joinable(); });
  }

  void await_all_committed() {
    Wire wire(broker_.port());
    for (std::int32_t i = 0; i < GetParam().partitions; ++i) {
      const Offset wanted = ends_[static_cast<std::size_t>(i)];
      const std::int64_t end = now_ms() + patience.count();
      while (committed(wire, "g", "t", i) < wanted && now_ms() < end) std::this_thread::sleep_for(pause_when_idle);
      ASSERT_EQ(committed(wire, "g", "t", i), wanted) << "partition " << i;
    }
  }

  BrokerProcess broker_{
      {.settings = {"core.count=2", "group.min.session.timeout.ms=100", "group.initial.rebalance.delay.ms=100",
                    "group.consumer.min.session.timeout.ms=1000",
                    "group.consumer.session.timeout.ms=" + std::to_string(session_timeout_ms),
                    "group.consumer.min.heartbeat.interval.ms=100", "group.consumer.heartbeat.interval.ms=200"}}};
  Ledger ledger_{GetParam().partitions};
  std::vector<Offset> ends_ = std::vector<Offset>(static_cast<std::size_t>(GetParam().partitions));
  std::atomic<bool> producing_{true};
  std::thread producer_;
  std::vector<Running> members_;
};

TEST_P(FlowTest, NothingIsLeftOutOrCommittedTwiceWhileMembersComeAndGo) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  {
    Wire wire(broker_.port());
    create_topic(wire, "t", GetParam().partitions);
    await_coordinator(wire, "g");
  }
  produce_records();
  for (int i = 0; i < GetParam().members; ++i) start_member();
  for (int i = 0; i < GetParam().changes; ++i) {
    std::this_thread::sleep_for(milliseconds(300 + random() % 700));
    change(random);
  }
  producing_ = false;
  producer_.join();
  await_all_committed();
  for (Running& member : members_) member.control->wanted = Wanted::leave;
  for (Running& member : members_) stop(member, Wanted::leave);
  ASSERT_GT(*std::ranges::min_element(ends_), 0);
  ledger_.expect_tiled(ends_);
}

INSTANTIATE_TEST_SUITE_P(Of, FlowTest,
                         ::testing::Values(Flow{"Classic", 5, 8, 20}, Flow{"Consumer", 5, 8, 20},
                                           Flow{"Classic", 100, 100, 6}, Flow{"Consumer", 100, 100, 6}),
                         [](const auto& tested) {
                           return tested.param.protocol + std::to_string(tested.param.members) + "Members";
                         });

}  // namespace
}  // namespace cms::tests
