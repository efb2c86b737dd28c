// SPDX-License-Identifier: Apache-2.0
// Any bytes as a member's subscription and as its assignment.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "protocol/consumer_protocol.h"

namespace {

using namespace cms;

template <typename T>
void reads_the_same_again(base::ByteSpan bytes) {
  T read_once;
  const auto version = protocol::read(bytes, read_once);
  if (!version) return;
  const base::Bytes written = protocol::to_bytes(read_once, std::min(*version, T::versions.last));
  T again;
  CHECK(protocol::read(written, again).ok());
  CHECK(again == read_once);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteSpan bytes{reinterpret_cast<const std::byte*>(data), size};
  reads_the_same_again<protocol::ConsumerSubscription>(bytes);
  reads_the_same_again<protocol::ConsumerAssignment>(bytes);
  return 0;
}
