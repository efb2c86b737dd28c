// SPDX-License-Identifier: Apache-2.0
#include "broker/core/receive_buffer.h"

#include <gtest/gtest.h>

namespace cms::broker {
namespace {

// Fills whatever space there is, until a frame of `frame` bytes is whole; returns how often space had to be made.
int fill_frame(ReceiveBuffer& buffer, std::size_t frame) {
  int grown = 0;
  while (buffer.data().size() < frame) {
    if (buffer.space().empty()) {
      EXPECT_TRUE(buffer.make_space(frame));
      ++grown;
    }
    buffer.filled(buffer.space().size());
  }
  return grown;
}

TEST(ReceiveBuffer, GrowsByDoublingForALargeFrame) {
  ReceiveBudget budget(64 << 20);
  ReceiveBuffer buffer(budget);
  EXPECT_LE(fill_frame(buffer, 10 << 20), 10);
}

TEST(ReceiveBuffer, AWholeFrameAheadOfAPartOfTheNextNeverMakesItCreep) {
  ReceiveBudget budget(64 << 20);
  ReceiveBuffer buffer(budget);
  int grown = 0;
  for (int i = 0; i < 100; ++i) {
    grown += fill_frame(buffer, 16'430);
    while (buffer.data().size() >= 16'430) buffer.consume(16'430);
  }
  EXPECT_LE(grown, 101);
  EXPECT_LE(budget.used(), ReceiveBuffer::first_growth_bytes);
}

TEST(ReceiveBuffer, NeverHoldsMuchMoreThanHasArrived) {
  ReceiveBudget budget(256 << 20);
  ReceiveBuffer buffer(budget);
  buffer.filled(buffer.space().size());
  ASSERT_TRUE(buffer.make_space(100 << 20));  // announced, not arrived
  EXPECT_LE(budget.used(), ReceiveBuffer::first_growth_bytes);
}

TEST(ReceiveBuffer, EnlargingKeepsWhatIsHeldAndShrinkingComesBack) {
  ReceiveBudget budget(1 << 20);
  ReceiveBuffer buffer(budget);
  buffer.space()[0] = std::byte{7};
  buffer.filled(1);
  buffer.enlarge();
  EXPECT_EQ(buffer.data()[0], std::byte{7});
  EXPECT_EQ(buffer.space().size(), ReceiveBuffer::first_growth_bytes - 1);
  buffer.consume(1);
  buffer.shrink();
  EXPECT_TRUE(buffer.is_small());
  EXPECT_EQ(budget.used(), 0u);
}

TEST(ReceiveBuffer, StopsAtTheBudgetAndGivesBackWhatItTook) {
  ReceiveBudget budget(100 << 10);
  {
    ReceiveBuffer first(budget), second(budget);
    first.filled(first.space().size());
    second.filled(second.space().size());
    EXPECT_TRUE(first.make_space(1000));
    EXPECT_FALSE(second.make_space(1000));
    first.consume(first.data().size());
    first.shrink();
    EXPECT_TRUE(second.make_space(1000));
  }
  EXPECT_EQ(budget.used(), 0u);
}

}  // namespace
}  // namespace cms::broker
