// SPDX-License-Identifier: Apache-2.0
#include "client/producer.h"

#include <limits>

#include <gtest/gtest.h>

namespace cms::client {
namespace {

// The hashes that Kafka's Java client computes for these keys.
TEST(ProducerTest, KeysGoToThePartitionThatKafkasClientsChoose) {
  const struct {
    const char* key;
    std::int32_t hash;
  } known[] = {{"21", -973932308},
               {"foobar", -790332482},
               {"a-little-bit-long-string", -985981536},
               {"a-little-bit-longer-string", -1486304829},
               {"abc", 479470107}};
  constexpr std::int32_t all = std::numeric_limits<std::int32_t>::max();
  for (const auto& [key, hash] : known) {
    EXPECT_EQ(partition_of_key(base::as_bytes(key), all), (hash & all) % all) << key;
    EXPECT_EQ(partition_of_key(base::as_bytes(key), 1), 0);
  }
}

}  // namespace
}  // namespace cms::client
