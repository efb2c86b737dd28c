// SPDX-License-Identifier: Apache-2.0
// What the two ends tell each other while librdmacm connects them: the private data of request and acceptance. All of
// it little-endian and without padding of the compiler's; it is untrusted, and longer than was sent (the receiver sees
// whole buffers, filled up with zeros).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "base/bytes.h"
#include "transport/rdma/limits.h"
#include "transport/rdma/rdma.h"

namespace cms::transport::rdma {

// The data of the ring that the other end may write into.
struct RemoteRing {
  std::uint64_t address = 0;
  std::uint32_t key = 0;
  std::uint32_t ring_bytes = 0;
};

struct ConnectRequest {
  static constexpr std::uint32_t magic_of = 0x51534d43;  // "CMSQ"
  std::uint32_t magic = magic_of;
  std::uint16_t version = layout_version;
  std::uint16_t reserved = 0;
  RdmaToken token{};
  RemoteRing ring;  // of the client, for what the broker pushes
};

struct ConnectAcceptance {
  static constexpr std::uint32_t magic_of = 0x41534d43;  // "CMSA"
  std::uint32_t magic = magic_of;
  std::uint16_t version = layout_version;
  std::uint16_t reserved = 0;
  RemoteRing ring;  // of the broker, for what the client puts
};

static_assert(sizeof(RemoteRing) == 16 && sizeof(ConnectRequest) == 40 && sizeof(ConnectAcceptance) == 24);
static_assert(sizeof(ConnectRequest) <= 56, "what InfiniBand leaves of a request's private data for RDMA_PS_TCP");

// Nothing when it is none of ours, or of another version.
template <typename Message>
std::optional<Message> parse(base::ByteSpan private_data) {
  Message message;
  if (private_data.size() < sizeof message) return std::nullopt;
  std::memcpy(&message, private_data.data(), sizeof message);
  if (message.magic != Message::magic_of || message.version != layout_version) return std::nullopt;
  return message;
}

}  // namespace cms::transport::rdma
