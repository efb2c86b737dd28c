// SPDX-License-Identifier: Apache-2.0
#include "broker/push/source.h"

#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace cms::broker::push {
namespace {

class Counted final : public Source {
 public:
  Step step(Outlet&) override { return Step::idle; }
  bool reached(Partition&, Offset) override { return true; }
  void lost(ErrorCode) override {}

  std::atomic<int> work{0};
  int done = 0;
};

TEST(ReadyList, GivesSourcesInTheOrderInWhichTheyWereAdded) {
  ReadyList list;
  Counted sources[4];
  for (Counted& source : sources) EXPECT_TRUE(list.add(source));
  for (Counted& source : sources) EXPECT_EQ(list.take(), &source);
  EXPECT_EQ(list.take(), nullptr);
  EXPECT_TRUE(list.empty());
}

TEST(ReadyList, HasEachSourceOnceAndAgainOnlyAfterItWasTaken) {
  ReadyList list;
  Counted source;
  EXPECT_TRUE(list.add(source));
  EXPECT_FALSE(list.add(source));
  EXPECT_TRUE(ReadyList::has(source));
  EXPECT_EQ(list.take(), &source);
  EXPECT_FALSE(ReadyList::has(source));
  EXPECT_TRUE(list.add(source));
  EXPECT_EQ(list.take(), &source);
  EXPECT_EQ(list.take(), nullptr);
}

TEST(ReadyList, WhatIsPutBackComesNextUnlessItWasAddedMeanwhile) {
  ReadyList list;
  Counted first;
  Counted second;
  list.add(first);
  list.add(second);
  list.put_back(static_cast<Source&>(*list.take()));
  EXPECT_EQ(list.take(), &first);
  list.add(first);
  list.put_back(first);
  EXPECT_EQ(list.take(), &second);
  EXPECT_EQ(list.take(), &first);
  EXPECT_EQ(list.take(), nullptr);
}

// What is made ready while it is being taken is taken again: no work is left behind.
TEST(ReadyList, LosesNoWorkOfOtherThreads) {
  constexpr int rounds = 20'000;
  ReadyList list;
  std::vector<std::unique_ptr<Counted>> sources;
  for (int i = 0; i < 8; ++i) sources.push_back(std::make_unique<Counted>());
  std::vector<std::thread> adders;
  for (int thread = 0; thread < 3; ++thread) {
    adders.emplace_back([&] {
      for (int round = 0; round < rounds; ++round) {
        Counted& source = *sources[static_cast<std::size_t>(round) % sources.size()];
        source.work.fetch_add(1);
        list.add(source);
      }
    });
  }
  int done = 0;
  while (done < 3 * rounds) {
    auto* const source = static_cast<Counted*>(list.take());
    if (source == nullptr) {
      std::this_thread::yield();
      continue;
    }
    const int work = source->work.exchange(0);
    source->done += work;
    done += work;
  }
  for (std::thread& adder : adders) adder.join();
  EXPECT_EQ(done, 3 * rounds);
}

}  // namespace
}  // namespace cms::broker::push
