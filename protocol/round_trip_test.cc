// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "protocol/messages.h"
#include "protocol/testing/bytes.h"
#include "protocol/testing/random_message.h"

namespace cms::protocol {
namespace {

using testing::random_message;
using testing::written;

template <Message T>
void comes_back_equal(std::uint64_t seed) {
  base::Random random(seed);
  T reused;
  for (Version version = T::versions.first; version <= T::versions.last; ++version) {
    const T message = random_message<T>(random, version);
    const std::vector<std::byte> bytes = written(message, version);
    const base::Result<void> outcome = read(bytes, version, reused);
    RC_ASSERT(outcome.ok());
    if (!(reused == message)) RC_FAIL(to_text(message, version) + " came back as " + to_text(reused, version));
  }
}

template <Message T>
void is_refused_when_cut(std::uint64_t seed) {
  base::Random random(seed);
  T reused;
  for (Version version = T::versions.first; version <= T::versions.last; ++version) {
    std::vector<std::byte> bytes = written(random_message<T>(random, version), version);
    if (bytes.empty()) continue;  // the ApiVersions requests before version 3
    bytes.resize(random.below(bytes.size()));
    RC_ASSERT(!read(bytes, version, reused).ok());
  }
}

TEST(RoundTrip, EveryMessageOfEveryVersionComesBackEqual) {
  for_each_api([]<typename Pair>(Pair) {
    EXPECT_TRUE(rc::check(std::string(name_of(Pair::Request::api_key)), [](std::uint64_t seed) {
      comes_back_equal<typename Pair::Request>(seed);
      comes_back_equal<typename Pair::Response>(seed);
    }));
  });
}

TEST(RoundTrip, EveryMessageCutShortIsRefused) {
  for_each_api([]<typename Pair>(Pair) {
    EXPECT_TRUE(rc::check(std::string(name_of(Pair::Request::api_key)), [](std::uint64_t seed) {
      is_refused_when_cut<typename Pair::Request>(seed);
      is_refused_when_cut<typename Pair::Response>(seed);
    }));
  });
}

template <Message T>
bool is_read_with_a_byte_more() {
  T message;
  std::vector<std::byte> bytes = written(message, T::versions.last);
  EXPECT_TRUE(read(bytes, T::versions.last, message));
  bytes.emplace_back();
  return read(bytes, T::versions.last, message).ok();
}

TEST(RoundTrip, BytesLeftOverAreIgnoredAfterARequestAndRefusedAfterAResponse) {
  for_each_api([]<typename Pair>(Pair) {
    EXPECT_TRUE(is_read_with_a_byte_more<typename Pair::Request>());
    EXPECT_FALSE(is_read_with_a_byte_more<typename Pair::Response>());
  });
}

}  // namespace
}  // namespace cms::protocol
