// SPDX-License-Identifier: Apache-2.0
#include "protocol/frame.h"

#include <gtest/gtest.h>

#include "protocol/testing/bytes.h"

namespace cms::protocol {
namespace {

using testing::from_hex;
using testing::on_the_wire;

TEST(FrameBuffer, SizeOfEachFrameCountsItsSplices) {
  FrameBuffer frames;
  frames.begin_frame();
  frames.append(base::as_bytes("ab"));
  frames.splice(base::Bytes::copy_of("CDE"));
  frames.append(base::as_bytes("f"));
  frames.end_frame();
  frames.begin_frame();
  frames.splice(base::Bytes::copy_of("G"));
  frames.splice(base::Bytes::copy_of("H"));
  frames.end_frame();
  EXPECT_EQ(on_the_wire(frames), from_hex("00000006 6162 434445 66 00000002 47 48"));
  EXPECT_EQ(frames.size(), 16u);
}

TEST(FrameBuffer, SplicedBytesAreSentFromWhereTheyLie) {
  const base::Bytes batch = base::Bytes::copy_of("a batch");
  FrameBuffer frames;
  frames.append(base::as_bytes("x"));
  frames.splice(batch);
  const std::span<const base::ByteSpan> parts = frames.gather();
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[1].data(), batch.data());
}

TEST(FrameBuffer, ReferencesAreHeldUntilClear) {
  base::Bytes batch = base::Bytes::copy_of("a batch");
  const std::weak_ptr<const void> memory = batch.owner();
  FrameBuffer frames;
  frames.splice(std::move(batch));
  batch = {};
  EXPECT_FALSE(memory.expired());
  frames.clear();
  EXPECT_TRUE(memory.expired());
  EXPECT_TRUE(frames.gather().empty());
}

TEST(FrameBuffer, AbandonedFrameLeavesTheFramesBeforeIt) {
  FrameBuffer frames;
  frames.begin_frame();
  frames.splice(base::Bytes::copy_of("1"));
  frames.end_frame();
  frames.begin_frame();
  frames.append(base::as_bytes("22"));
  frames.splice(base::Bytes::copy_of("222"));
  frames.abandon_frame();
  frames.begin_frame();
  frames.append(base::as_bytes("3"));
  frames.end_frame();
  EXPECT_EQ(on_the_wire(frames), from_hex("00000001 31 00000001 33"));
}

TEST(FrameBuffer, EmptyBytesMakeNoPart) {
  FrameBuffer frames;
  frames.splice({});
  frames.append({});
  EXPECT_TRUE(frames.empty());
  EXPECT_TRUE(frames.gather().empty());
}

TEST(FrameBuffer, RoomInsertedEarlierMovesWhatFollows) {
  FrameBuffer frames;
  frames.splice(base::Bytes::copy_of("0"));
  frames.append(base::as_bytes("ad"));
  std::byte* const room = frames.insert(1, 2);
  room[0] = std::byte{'b'};
  room[1] = std::byte{'c'};
  EXPECT_EQ(base::as_text(on_the_wire(frames)), "0abcd");
}

TEST(FrameBuffer, MemoryOfOneLargeFrameIsGivenBack) {
  FrameBuffer frames;
  const std::byte* const small = frames.extend(10);
  frames.clear();
  EXPECT_EQ(frames.extend(10), small);
  frames.extend(100'000);
  frames.clear(50'000);
  frames.extend(300);
  EXPECT_EQ(frames.size(), 300u);
}

}  // namespace
}  // namespace cms::protocol
