// SPDX-License-Identifier: Apache-2.0
// How a client gets its channel over RDMA once OpenChannel has been granted.
#pragma once

#include <chrono>
#include <memory>

#include "base/result.h"
#include "protocol/messages/native.h"
#include "transport/ring_channel.h"

namespace cms::client {

// Goes where the answer says with the token in it. `connection` is the socket that the answer has come over: its two
// addresses are where the broker and we are, as far as the answer does not say. Waits.
base::Result<std::unique_ptr<transport::RingChannel>> meet_over_rdma(const protocol::OpenChannelResponse& answer,
                                                                     int connection, std::chrono::milliseconds timeout);

}  // namespace cms::client
