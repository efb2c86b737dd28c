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

TEST(RoundTrip, EveryMessageFollowedByAByteIsRefused) {
  for_each_api([]<typename Pair>(Pair) {
    typename Pair::Response message;
    const Version version = Pair::Response::versions.last;
    std::vector<std::byte> bytes = written(message, version);
    EXPECT_TRUE(read(bytes, version, message).ok());
    bytes.emplace_back();
    EXPECT_FALSE(read(bytes, version, message).ok());
  });
}

}  // namespace
}  // namespace cms::protocol
