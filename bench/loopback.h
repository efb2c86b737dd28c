// SPDX-License-Identifier: Apache-2.0
// What the baselines need of the system, and end the program without.
#pragma once

#include <cstdint>
#include <string>

namespace cms::bench {

// Says what failed and why (errno), and exits.
[[noreturn]] void die(const std::string& what);

// Of the steady clock.
std::uint64_t now_ns();

// Two ends of one TCP connection over the loopback.
void connect_pair(int& left, int& right);

}  // namespace cms::bench
