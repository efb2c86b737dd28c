// SPDX-License-Identifier: Apache-2.0
#include "broker/groups/offsets_topic.h"

#include <string>

#include <gtest/gtest.h>

namespace cms::broker {
namespace {

TEST(PartitionOfGroup, IsJavasHashOfTheIdWithoutItsSign) {
  EXPECT_EQ(partition_of_group("", 50), 0);
  EXPECT_EQ(partition_of_group("a", 50), 97 % 50);
  EXPECT_EQ(partition_of_group("group", 50), 98629247 % 50);
  EXPECT_EQ(partition_of_group("group", 1), 0);
}

TEST(PartitionOfGroup, CountsTheCodeUnitsOfUtf16NotTheBytesOfUtf8) {
  EXPECT_EQ(partition_of_group("g\xc3\xa4ste", 50), 23);
  EXPECT_EQ(partition_of_group("\xd0\xb3\xd1\x80\xd1\x83\xd0\xbf\xd0\xbf\xd0\xb0", 50), 8);
  EXPECT_EQ(partition_of_group("\xe6\xb6\x88\xe8\xb2\xbb\xe8\x80\x85", 50), 0);
  EXPECT_EQ(partition_of_group("g\xf0\x9f\x90\x99g", 50), 48);  // a surrogate pair
}

TEST(PartitionOfGroup, SmallestHashOfAllHasNoPositiveCounterpart) {
  EXPECT_EQ(partition_of_group("polygenelubricants", 50), 0);  // -2^31
}

TEST(PartitionOfGroup, BytesThatAreNoTextHaveAPartitionToo) {
  EXPECT_EQ(partition_of_group("a\xff"
                               "b",
                               50),
            partition_of_group("a\xef\xbf\xbd"
                               "b",
                               50));
  for (const std::string id : {"\xff", "\xc3", "\xf0\x9f", "\xf4\x90\x80\x80", "\x80"}) {
    const std::int32_t partition = partition_of_group(id, 50);
    EXPECT_GE(partition, 0);
    EXPECT_LT(partition, 50);
  }
}

}  // namespace
}  // namespace cms::broker
