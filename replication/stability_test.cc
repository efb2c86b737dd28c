// SPDX-License-Identifier: Apache-2.0
#include "replication/stability.h"

#include <gtest/gtest.h>

namespace cms::replication {
namespace {

TEST(StabilityFrontier, OneMemberIsStableAsSoonAsItHolds) {
  StabilityFrontier frontier({.number = 1, .members = {7}}, 10);
  EXPECT_TRUE(frontier.acknowledge(7, 12));
  EXPECT_EQ(frontier.stable(), 12);
}

TEST(StabilityFrontier, StableIsTheMinimumOverTheMembers) {
  StabilityFrontier frontier({.number = 1, .members = {1, 2, 3}}, 0);
  EXPECT_FALSE(frontier.acknowledge(1, 9));
  EXPECT_FALSE(frontier.acknowledge(2, 5));
  EXPECT_EQ(frontier.stable(), 0);
  EXPECT_TRUE(frontier.acknowledge(3, 7));
  EXPECT_EQ(frontier.stable(), 5);
}

TEST(StabilityFrontier, StrangersAndOldAcknowledgementsChangeNothing) {
  StabilityFrontier frontier({.number = 1, .members = {1}}, 4);
  EXPECT_FALSE(frontier.acknowledge(2, 100));
  EXPECT_FALSE(frontier.acknowledge(1, 3));
  EXPECT_EQ(frontier.stable(), 4);
}

TEST(StabilityFrontier, RemovingTheSlowMemberMakesTheRestStable) {
  StabilityFrontier frontier({.number = 1, .members = {1, 2}}, 0);
  frontier.acknowledge(1, 8);
  frontier.install({.number = 2, .members = {1}}, 8);
  EXPECT_EQ(frontier.stable(), 8);
  EXPECT_EQ(frontier.view().number, 2);
}

TEST(StabilityFrontier, ANewMemberNeverLowersIt) {
  StabilityFrontier frontier({.number = 1, .members = {1}}, 0);
  frontier.acknowledge(1, 8);
  frontier.install({.number = 2, .members = {1, 2}}, 8);
  EXPECT_EQ(frontier.stable(), 8);
  EXPECT_FALSE(frontier.acknowledge(1, 10));
  EXPECT_TRUE(frontier.acknowledge(2, 9));
  EXPECT_EQ(frontier.stable(), 9);
}

}  // namespace
}  // namespace cms::replication
