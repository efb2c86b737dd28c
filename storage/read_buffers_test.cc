// SPDX-License-Identifier: Apache-2.0
#include "storage/read_buffers.h"

#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace cms::storage {
namespace {

TEST(ReadBuffers, WhatComesBackIsGivenOutAgainButNeverTwiceAtOnce) {
  ReadBuffers buffers;
  std::vector<std::shared_ptr<std::byte[]>> held;
  std::set<std::byte*> first, second;
  for (int i = 0; i < 6; ++i) first.insert(held.emplace_back(buffers.take(1'100'000)).get());
  EXPECT_EQ(first.size(), 6u);
  held.clear();
  EXPECT_EQ(buffers.kept(), ReadBuffers::kept_max);
  for (int i = 0; i < 4; ++i) second.insert(held.emplace_back(buffers.take(ReadBuffers::buffer_bytes)).get());
  EXPECT_EQ(second.size(), 4u);
  for (std::byte* buffer : second) EXPECT_TRUE(first.contains(buffer));
}

TEST(ReadBuffers, SmallAndLargeOnesAreNotKept) {
  ReadBuffers buffers;
  buffers.take(ReadBuffers::small_bytes_max).reset();
  buffers.take(ReadBuffers::buffer_bytes + 1).reset();
  EXPECT_EQ(buffers.kept(), 0u);
}

TEST(ReadBuffers, OneMayOutliveThem) {
  std::shared_ptr<std::byte[]> buffer;
  {
    ReadBuffers buffers;
    buffer = buffers.take(1'000'000);
  }
  buffer[999'999] = std::byte{1};
}

}  // namespace
}  // namespace cms::storage
