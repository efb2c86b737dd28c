// SPDX-License-Identifier: Apache-2.0
// Descriptors handed to another process over a connected Unix socket (SCM_RIGHTS), and who that process is.
//
// The socket may be blocking or not; no call here blocks on one that is not. Any thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "transport/descriptor.h"

namespace cms::transport {

inline constexpr std::size_t descriptors_passed_max = 16;      // in one call; the kernel's own bound is 253
inline constexpr std::size_t passed_payload_bytes_max = 4096;  // small enough to be sent as a whole or not at all

// Sends `payload`, which is not empty, and with its first byte the descriptors. The caller keeps its own.
// Error: busy (the socket takes nothing now; nothing was sent), closed, io.
base::Result<void> send_descriptors(int socket, base::ByteSpan payload, std::span<const int> descriptors);

struct PassedDescriptors {
  std::vector<Descriptor> descriptors;  // close-on-exec
  std::size_t payload_bytes = 0;        // of what the caller gave, filled; may be fewer than were sent: a stream
};

// What one send_descriptors() sent: exactly `expected` descriptors, none allowed, with the first bytes.
// Error: busy (nothing there), closed (the peer has gone), invalid (fewer or more descriptors than expected, or cut off
// by the kernel: those that came are closed), io.
base::Result<PassedDescriptors> receive_descriptors(int socket, base::MutableByteSpan payload, std::size_t expected);

// As the kernel recorded them when the peer connected, or made the pair; a peer cannot choose them.
struct PeerCredentials {
  pid_t process = 0;
  uid_t user = 0;
  gid_t group = 0;
};

base::Result<PeerCredentials> peer_credentials(int socket);  // SO_PEERCRED

}  // namespace cms::transport
