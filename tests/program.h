// SPDX-License-Identifier: Apache-2.0
// Programs of this project as a user runs them: processes of their own, which never outlive the test.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cms::tests {

using std::chrono::milliseconds;

// No event of these tests takes longer, also where the machine is busy and the build is slow (sanitizers).
inline constexpr milliseconds patience{60'000};

// The program beside the running test: build/<preset>/bin/<name>.
std::string program_path(const std::string& name);

// Descriptors of the child's standard streams; -1: /dev/null.
struct Streams {
  int in = -1;
  int out = -1;
  int err = -1;
};

// Starts `arguments[0]`. The child is killed when the thread that started it ends.
pid_t start_program(const std::vector<std::string>& arguments, const Streams& streams);

// The child's exit code, or 128 + the signal that ended it; nothing if it still runs after `limit`.
std::optional<int> wait_for_exit(pid_t child, milliseconds limit = patience);

struct Finished {
  int exit_code = -1;
  std::string out;
  std::string err;
};

// Runs a program to its end with `input` as its standard input. Throws, and kills it, when it takes too long.
Finished run_program(const std::vector<std::string>& arguments, std::string_view input = {},
                     milliseconds limit = patience);

}  // namespace cms::tests
