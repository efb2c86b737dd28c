// SPDX-License-Identifier: Apache-2.0
#include "broker/groups/group_options.h"

#include <gtest/gtest.h>

#include "broker/config/option_table.h"

namespace cms::broker {
namespace {

TEST(GroupOptionsTest, IntervalBetweenAssignmentsIsTheOneThatWasGiven) {
  const OptionTable table;
  const OptionSpec* const interval = table.find("group.consumer.assignment.interval.ms");
  ASSERT_NE(interval, nullptr);
  Options options;
  EXPECT_EQ(std::to_string(group_options(options).consumer.assignment_interval_ms), interval->default_text);
  EXPECT_EQ(set_option(options, *interval, "0"), "");
  EXPECT_EQ(group_options(options).consumer.assignment_interval_ms, 0);
}

}  // namespace
}  // namespace cms::broker
