// SPDX-License-Identifier: Apache-2.0
// A message to another process and back, without any broker: what a push through one is measured against. Each runs for
// `seconds` and returns latency_figures().
#pragma once

#include <cstddef>
#include <optional>

#include "bench/figures.h"

namespace cms::bench {

enum class Waiting { spin, sleep };

// The processor for the other end; without it the kernel chooses one.
using EchoProcessor = std::optional<int>;

// Over memory that both share; asleep by futex.
Figures shared_memory_round_trip(std::size_t bytes, Waiting waiting, double seconds, EchoProcessor processor = {});

// The least that a broker does which keeps what it passes on: out of one ring into a log of 32 MiB that is used again
// and again, and from there into another ring. No header, no check, no other message. Both ends spin.
Figures kept_round_trip(std::size_t bytes, double seconds, EchoProcessor processor = {});

// Over the loopback; asleep in epoll.
Figures tcp_round_trip(std::size_t bytes, Waiting waiting, double seconds, EchoProcessor processor = {});

}  // namespace cms::bench
