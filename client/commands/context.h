// SPDX-License-Identifier: Apache-2.0
// What every command of `cms` shares: where the broker is, how to print, how to fail.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "client/cluster.h"

namespace cms::client {

// Exit codes of `cms`; the help names them.
enum ExitCode : int {
  exit_done = 0,
  exit_refused = 1,      // the broker, or the data, said no
  exit_usage = 2,        // the command line is wrong
  exit_unreachable = 3,  // no broker answers, or it was lost
  exit_interrupted = 130,
};

struct Context {
  std::string bootstrap;
  std::string output;

  // Set by the command that was chosen; returns an ExitCode.
  std::function<int()> run;

  bool json() const { return output == "json"; }

  // The cluster at `bootstrap`.
  Result<Cluster> connect() const;
};

// Tells people what went wrong, on standard error, and returns the exit code for it.
int fail(const Error& error);

int usage(std::string_view message);

// One line on standard error.
void complain(std::string_view message);

// From NAME=VALUE; an error that shows the form when there is no '='.
Result<std::pair<std::string, std::string>> parse_pair(const std::string& text, std::string_view form);

// From now on SIGINT ends a wait for the broker, or for input, with an error of system_code() EINTR, once; the second
// one ends the program.
void catch_interrupt();
bool was_interrupted();

}  // namespace cms::client
