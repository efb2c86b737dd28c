// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/doorbell.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "transport/rdma/handshake.h"

namespace cms::transport::rdma {
namespace {

TEST(Doorbell, APositionIsFoundAgainFromOneBeforeIt) {
  base::Random random(17);
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t known = random.below(std::uint64_t{1} << 40) / 8 * 8;
    const std::uint64_t position = known + random.below(ring_bytes_max + 1) / 8 * 8;
    for (const DoorbellKind kind : {DoorbellKind::tail, DoorbellKind::head, DoorbellKind::closed}) {
      const Doorbell arrived = Doorbell::from_word(Doorbell::of(kind, position).word());
      EXPECT_EQ(arrived.kind, kind);
      EXPECT_EQ(arrived.position_from(known), position);
    }
  }
}

TEST(Doorbell, WhateverComesIsNotBeforeWhatIsKnownAndNotFarBehindIt) {
  base::Random random(18);
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t known = random.below(std::uint64_t{1} << 40) / 8 * 8;
    const std::uint64_t position = Doorbell::from_word(static_cast<std::uint32_t>(random.next())).position_from(known);
    EXPECT_GE(position, known);
    EXPECT_LT(position - known, std::uint64_t{8} << 30);
    EXPECT_EQ(position % 8, 0u);
  }
}

template <typename Message>
base::ByteSpan bytes_of(const Message& message) {
  return {reinterpret_cast<const std::byte*>(&message), sizeof message};
}

TEST(Handshake, WhatIsNoRequestOfThisVersionIsNone) {
  ConnectRequest request;
  request.ring = {4096, 7, 65536};
  ASSERT_TRUE(parse<ConnectRequest>(bytes_of(request)));
  EXPECT_EQ(parse<ConnectRequest>(bytes_of(request))->ring.key, 7u);
  EXPECT_FALSE(parse<ConnectRequest>(bytes_of(request).first(sizeof request - 1)));
  EXPECT_FALSE(parse<ConnectRequest>({}));
  EXPECT_FALSE(parse<ConnectAcceptance>(bytes_of(request)));
  ConnectRequest newer = request;
  newer.version = layout_version + 1;
  EXPECT_FALSE(parse<ConnectRequest>(bytes_of(newer)));
}

}  // namespace
}  // namespace cms::transport::rdma
