// SPDX-License-Identifier: Apache-2.0
#include "client/commands/context.h"

#include <cerrno>
#include <csignal>
#include <cstdio>

namespace cms::client {

namespace {

// A signal handler has nothing else to reach.
volatile std::sig_atomic_t interrupted = 0;

void on_interrupt(int) { interrupted = 1; }

}  // namespace

Result<Cluster> Context::connect() const {
  Result<std::vector<Address>> addresses = parse_addresses(bootstrap);
  if (!addresses) return addresses.error();
  return Cluster::open(std::move(*addresses));
}

int fail(const Error& error) {
  if (error.system_code() == EINTR) return exit_interrupted;
  complain(error.message());
  return is_unreachable(error) ? exit_unreachable : exit_refused;
}

int usage(std::string_view message) {
  complain(message);
  return exit_usage;
}

void complain(std::string_view message) {
  std::fflush(stdout);
  std::fprintf(stderr, "cms: %.*s\n", static_cast<int>(message.size()), message.data());
}

Result<std::pair<std::string, std::string>> parse_pair(const std::string& text, std::string_view form) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return Error(ErrorKind::invalid, "'" + text + "' is not " + std::string(form));
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

void catch_interrupt() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // and not SA_RESTART: waits must end
  ::sigaction(SIGINT, &action, nullptr);
}

bool was_interrupted() { return interrupted != 0; }

}  // namespace cms::client
