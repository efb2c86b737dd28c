// SPDX-License-Identifier: Apache-2.0
// What this machine allows without any broker, to give a broker's figures as fractions of it.
#pragma once

#include <string>

#include "bench/figures.h"

namespace cms::bench {

// One process writing 1 MB at a time into a TCP connection over the loopback, this one reading.
Figures tcp_stream_baseline(double seconds);

// In a file of `directory`: overwriting prewritten blocks with O_DIRECT and fdatasync, 4 KiB at a time (latency) and
// 64 KiB at a time (bandwidth of a group commit).
Figures durable_write_baseline(const std::string& directory, double seconds);

}  // namespace cms::bench
