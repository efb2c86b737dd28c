// SPDX-License-Identifier: Apache-2.0
// Native clients that come, do something, and go or are killed, one after another, beside one that stays: nothing of
// the ones that have gone is left in the broker, and the one that stays misses nothing.
//
// CMS_CHURN_SECONDS: for how long; 4 by default, 1800 for a thorough look. The seed is named when the case fails.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "base/random.h"
#include "tests/metrics.h"
#include "tests/push_test.h"

namespace cms::tests {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int topics = 5;
constexpr std::size_t clients_at_once = 4;
// Before them the memory of the topics still grows.
constexpr std::size_t visits_that_fill_the_topics = 200;
// What the allocator keeps and what topics may hold does not rise with time.
constexpr std::size_t growth_bytes_max = 24u << 20;

milliseconds duration() {
  const char* const seconds = std::getenv("CMS_CHURN_SECONDS");
  return milliseconds(1000 * (seconds == nullptr ? 4 : std::atoi(seconds)));
}

std::string shared_topic(std::uint64_t number) { return "churn." + std::to_string(number % topics); }

// One client's life, in a process of its own.
class Visitor {
 public:
  Visitor(BrokerProcess& broker, std::uint64_t seed)
      : random_(seed),
        client_(broker, {.kind = random_.one_in(2) ? ChannelKind::tcp : ChannelKind::shared_memory,
                         .ring_bytes = random_.one_in(2) ? 65'536 : 0}) {}

  void live() {
    const std::uint64_t turns = 1 + random_.below(40);
    for (std::uint64_t turn = 0; turn < turns; ++turn) act();
    if (random_.one_in(3)) ::raise(SIGKILL);  // in the middle of it; otherwise the channel is closed
  }

 private:
  void act() {
    switch (random_.below(6)) {
      case 0:
        return subscribe();
      case 1:
        client_.wire().call(protocol::UnsubscribeRequest{.subscription = any_subscription()});
        return;
      case 2:
        return seek();
      case 3:
        return publish();
      case 4:
        return client_.listen(milliseconds(random_.below(10)));
      default:
        return;
    }
  }

  void subscribe() {
    protocol::SubscribeRequest request;
    request.subscription = ++subscriptions_;
    const bool pattern = random_.one_in(2);
    request.match = pattern ? protocol::TopicMatch::pattern : protocol::TopicMatch::exact;
    request.topics = pattern ? "churn.>" : shared_topic(random_.next());
    request.start = random_.one_in(2) ? protocol::StartAt::live : protocol::StartAt::earliest;
    request.bytes_in_flight_max = random_.one_in(4) ? 10'000 : 0;
    client_.subscribe(request);
  }

  void seek() {
    protocol::SeekRequest request;
    request.subscription = any_subscription();
    request.start = protocol::StartAt::offset;
    request.start_value = static_cast<std::int64_t>(random_.below(100));
    client_.wire().call(request);
  }

  void publish() {
    client_.publish_to(++publications_, shared_topic(random_.next()));
    const std::uint64_t puts = random_.below(20);
    for (std::uint64_t i = 0; i < puts; ++i) {
      client_.put(publications_, batch_of(std::string(random_.below(5'000), 'c')));
    }
  }

  std::int32_t any_subscription() {
    return static_cast<std::int32_t>(random_.below(static_cast<std::uint64_t>(subscriptions_) + 1));
  }

  base::Random random_;
  PushClient client_;
  std::int32_t subscriptions_ = 0;
  std::int32_t publications_ = 0;
};

// A visitor's process; killed at the latest when this goes.
class Visit {
 public:
  Visit(BrokerProcess& broker, std::uint64_t seed) : id_(::fork()) {
    if (id_ != 0) return;
    try {
      Visitor(broker, seed).live();
    } catch (const std::exception&) {  // its channel was ended, for a seek in nothing say
    }
    ::_exit(0);
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() {
    if (id_ <= 0) return;
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
  }

  bool has_ended() {
    if (id_ > 0 && ::waitpid(id_, nullptr, WNOHANG) == id_) id_ = 0;
    return id_ <= 0;
  }

 private:
  pid_t id_;
};

class PushChurnTest : public ::testing::Test {
 protected:
  PushChurnTest() {
    for (std::uint64_t i = 0; i < topics; ++i) {
      create_topic(wire_, shared_topic(i), 2, {{"cms.durability", "volatile"}, {"retention.bytes", "1000000"}});
    }
    create_topic(wire_, "kept", 1, {{"cms.durability", "volatile"}, {"retention.bytes", "1000000"}});
    steady_.emplace(broker_, PushClient::Options{.kind = ChannelKind::shared_memory});
    steady_->subscribe("kept");
  }

  // Visitors come and go, and records flow to the one that stays. `visits_min` in all, within a minute, where the
  // machine is slow.
  void churn(milliseconds span, base::Random& random, std::size_t visits_min = 0) {
    std::array<std::optional<Visit>, clients_at_once> visits;
    const auto until = SteadyClock::now() + span;
    const auto until_last = SteadyClock::now() + std::max<SteadyClock::duration>(span, std::chrono::minutes(1));
    for (auto now = SteadyClock::now(); now < until || (visited_ < visits_min && now < until_last);
         now = SteadyClock::now()) {
      for (std::optional<Visit>& visit : visits) {
        if (visit && !visit->has_ended() && !random.one_in(200)) continue;
        visit.emplace(broker_, random.next());
        ++visited_;
      }
      append(wire_, "kept", batch_of(std::to_string(sent_++)));
      ASSERT_TRUE(steady_->await([&] { return steady_->find("kept") != nullptr && taken() == sent_; }));
      steady_->beat();
    }
  }

  // How many records the one that stays has had, each once and in order. Forgets them.
  std::size_t taken() {
    for (const ReadRecord& record : steady_->find("kept")->records) {
      EXPECT_EQ(record.value, std::to_string(taken_++));
    }
    steady_->find("kept")->records.clear();
    return taken_;
  }

  void expect_only_the_steady_one() {
    EXPECT_TRUE(becomes(broker_, "cms_push_channels{kind=\"shm\"}", 1));
    EXPECT_TRUE(becomes(broker_, "cms_push_channels{kind=\"tcp\"}", 0));
    EXPECT_TRUE(becomes(broker_, "cms_push_subscriptions", 1));
    EXPECT_TRUE(becomes(broker_, "cms_push_streams", 1));
    EXPECT_TRUE(becomes(broker_, "cms_push_publications", 0));
  }

  std::size_t descriptors() const {
    const std::filesystem::directory_iterator all("/proc/" + std::to_string(broker_.pid()) + "/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }

  BrokerProcess broker_{BrokerSetup{.settings = {"core.count=2"}}};
  Wire wire_{broker_.port()};
  std::optional<PushClient> steady_;
  std::size_t sent_ = 0;
  std::size_t taken_ = 0;
  std::size_t visited_ = 0;
};

TEST_F(PushChurnTest, NothingIsLeftOfClientsThatHaveGone) {
  base::Random random(base::Random::system_seed());
  SCOPED_TRACE("seed " + std::to_string(random.seed()));
  churn(duration() / 4, random, visits_that_fill_the_topics);
  expect_only_the_steady_one();
  const std::size_t descriptors_before = descriptors();
  const std::size_t bytes_before = broker_.resident_bytes();
  churn(duration() / 4 * 3, random);
  expect_only_the_steady_one();
  // Chunks of the topics' memory have a descriptor each; how many there are varies a little with what was published.
  EXPECT_LE(descriptors(), descriptors_before + 20);
  EXPECT_LE(broker_.resident_bytes(), bytes_before + growth_bytes_max);
  EXPECT_TRUE(steady_->find("kept")->gaps.empty());
  EXPECT_EQ(steady_->wrong, std::vector<std::string>{});
  std::printf("%zu clients, %zu records to the one that stayed; descriptors %zu then %zu, resident %.1f then %.1f MB\n",
              visited_, taken_, descriptors_before, descriptors(), static_cast<double>(bytes_before) / 1e6,
              static_cast<double>(broker_.resident_bytes()) / 1e6);
  EXPECT_EQ(broker_.stop(), 0) << broker_.log();
}

}  // namespace
}  // namespace cms::tests
