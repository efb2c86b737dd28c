// SPDX-License-Identifier: Apache-2.0
// cmsd: the broker. Exit codes: 0 stopped as asked, 1 cannot start or could not close, 2 wrong usage. With
// --check-data: 0 sound, 1 damaged or cannot be read.
#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <iostream>
#include <thread>

#include "base/log.h"
#include "broker/config/configuration.h"
#include "broker/server.h"
#include "broker/topics/data_check.h"
#include "storage/file_system.h"

namespace {

constexpr std::string_view version = "0.1.0";

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

// Takes signals on a thread of its own, so that a handler may do more than set a flag. The second one insists.
void obey_signals(cms::broker::Server& server) {
  const sigset_t set = stop_signals();
  int received = 0;
  sigwait(&set, &received);
  cms::base::log_info("stopping", "signal", strsignal(received), "then", "a second signal does not wait");
  server.stop();
  sigwait(&set, &received);
  cms::base::log_warning("stopped at once", "signal", strsignal(received));
  _exit(1);
}

cms::base::LogLevel log_level(std::string_view name) {
  if (name == "debug") return cms::base::LogLevel::debug;
  if (name == "warning") return cms::base::LogLevel::warning;
  if (name == "error") return cms::base::LogLevel::error;
  return cms::base::LogLevel::info;
}

int check(const cms::broker::CheckDataCommand& command) {
  cms::storage::FileSystem disk;
  const auto result = cms::broker::check_data(disk, {command.directory, command.json, command.despite_lock});
  if (!result) {
    std::cerr << "cannot check " << command.directory << ": " << result.error().message() << "\n";
    return 1;
  }
  std::cout << result->text;
  return result->sound ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto command = cms::broker::read_command_line(arguments, cms::broker::environment_of_process(environ), version);
  if (command.check_data) return check(*command.check_data);
  if (!command.run) {
    (command.exit_code == 0 ? std::cout : std::cerr) << command.output;
    return command.exit_code;
  }
  const auto& configuration = command.configuration;
  cms::base::set_log_level(log_level(configuration.options.log_level));
  for (const std::string& warning : configuration.warnings) cms::base::log_warning(warning);

  // Memory freed in bursts is needed again; giving it back to the kernel costs faults on the data path.
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  mallopt(M_ARENA_MAX, 2);
  std::signal(SIGPIPE, SIG_IGN);
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);

  auto server = cms::broker::Server::open(configuration.options);
  if (!server) {
    std::cerr << "cmsd cannot start: " << server.error().message() << "\n";
    return 1;
  }
  std::cout << (*server)->banner() << std::flush;
  std::thread([&] { obey_signals(**server); }).detach();
  const auto closed = (*server)->run();
  if (!closed) {
    cms::base::log_error("not everything could be closed", "why", closed.error().message());
    return 1;
  }
  cms::base::log_info("stopped");
  return 0;
}
