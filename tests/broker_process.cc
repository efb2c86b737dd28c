// SPDX-License-Identifier: Apache-2.0
#include "tests/broker_process.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "base/check.h"

namespace cms::tests {

namespace {

constexpr int banner_lines = 6;

// Where there are RDMA devices, which have other addresses than this machine's own, a broker listens on those as well.
std::string reachable(const std::string& listener) {
  const std::string here = "127.0.0.1:";
  if (std::getenv("RDMA_VM_ADDR_B") == nullptr || !listener.starts_with(here)) return listener;
  return "0.0.0.0:" + listener.substr(here.size());
}

std::vector<std::string> command_line(const BrokerSetup& setup) {
  std::vector<std::string> arguments = setup.run_under;
  arguments.insert(arguments.end(), {program_path("cmsd"), "--admin", "127.0.0.1:0", "--data", setup.data});
  for (const std::string& listener : setup.listen) {
    arguments.emplace_back("--listen");
    arguments.push_back(reachable(listener));
  }
  for (const std::string& setting : setup.settings) {
    arguments.emplace_back("--set");
    arguments.push_back(setting);
  }
  return arguments;
}

// The number behind the last colon before `end_text`, searched from `from_text` on.
std::uint16_t port_in(const std::string& text, const std::string& from_text) {
  const std::size_t from = text.find(from_text);
  const std::size_t digits =
      from == std::string::npos ? from : text.find_first_of("0123456789", text.find(':', from + from_text.size()));
  if (digits == std::string::npos) throw std::runtime_error("no port after '" + from_text + "' in: " + text);
  return static_cast<std::uint16_t>(std::stoi(text.substr(digits)));
}

std::size_t status_bytes(pid_t pid, const std::string& name) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name + ":")) return std::stoul(line.substr(name.size() + 1)) * 1024;
  }
  throw std::runtime_error(name + " of process " + std::to_string(pid) + " cannot be read");
}

}  // namespace

BrokerProcess::BrokerProcess(BrokerSetup setup) : setup_(std::move(setup)) {
  if (setup_.data.empty()) setup_.data = directory_ / "data";
  start();
}

BrokerProcess::~BrokerProcess() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  // Whoever asked it something has failed already; here is why.
  if (wait_for_exit(pid_) != 128 + SIGKILL) std::cerr << "the broker had ended by itself: " << log() << "\n";
}

std::vector<std::string> BrokerProcess::command() const { return command_line(setup_); }

void BrokerProcess::start() {
  CHECK(pid_ < 0);
  int out[2];
  CHECK(::pipe2(out, O_CLOEXEC) == 0);
  const int err = ::open((directory_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  CHECK(err >= 0);
  pid_ = start_program(command(), {-1, out[1], err});
  ::close(out[1]);
  ::close(err);
  banner_ = read_banner(out[0]);
  ::close(out[0]);
  if (std::ranges::count(banner_, '\n') < banner_lines) {
    const std::string said = log();
    ::kill(pid_, SIGKILL);
    wait_for_exit(pid_);
    pid_ = -1;
    throw std::runtime_error("the broker has not started: " + banner_ + said);
  }
  admin_port_ = port_in(banner_, "metrics: http:");
  port_ = port_in(banner_, "Kafka clients on ");
}

std::string BrokerProcess::read_banner(int descriptor) {
  std::string text;
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::ranges::count(text, '\n') < banner_lines) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd readable{descriptor, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&readable, 1, static_cast<int>(left.count())) <= 0) break;
    char bytes[4096];
    const ssize_t got = ::read(descriptor, bytes, sizeof bytes);
    if (got <= 0) break;
    text.append(bytes, static_cast<std::size_t>(got));
  }
  return text;
}

void BrokerProcess::kill() {
  CHECK(pid_ > 0);
  ::kill(pid_, SIGKILL);
  const std::optional<int> exit_code = wait_for_exit(pid_);
  CHECK(exit_code.has_value());
  pid_ = -1;
  if (exit_code != 128 + SIGKILL) throw std::runtime_error("the broker had ended by itself: " + log());
}

int BrokerProcess::stop() {
  CHECK(pid_ > 0);
  ::kill(pid_, SIGTERM);
  const std::optional<int> exit_code = wait_for_exit(pid_);
  if (!exit_code) throw std::runtime_error("the broker does not stop: " + log());
  pid_ = -1;
  return *exit_code;
}

std::string BrokerProcess::log() const {
  std::ifstream file(directory_ / "log");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::size_t BrokerProcess::resident_bytes() const { return status_bytes(pid_, "VmRSS"); }
std::size_t BrokerProcess::resident_bytes_peak() const { return status_bytes(pid_, "VmHWM"); }

Finished run_broker(const BrokerSetup& setup, milliseconds limit) {
  return run_program(command_line(setup), {}, limit);
}

}  // namespace cms::tests
