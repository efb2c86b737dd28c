// SPDX-License-Identifier: Apache-2.0
// A broker as users run it: the program cmsd beside the test, on free ports of the loopback, with data of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "storage/test_directory.h"
#include "tests/program.h"

namespace cms::tests {

// What a sanitizer adds to the memory of a broker: its shadow of what was touched, and freed memory that it holds back.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::size_t sanitizer_bytes_max = std::size_t{1} << 30;
#else
inline constexpr std::size_t sanitizer_bytes_max = 0;
#endif

struct BrokerSetup {
  std::vector<std::string> settings{};             // NAME=VALUE, as after --set
  std::string data{};                              // empty: a directory made for this broker and removed with it
  std::vector<std::string> listen{"127.0.0.1:0"};  // each as after --listen; the first one is port()
  std::vector<std::string> run_under{};  // a program and its arguments that starts the broker (unshare, prlimit)
};

// Killed when it goes. Throws where a broker that should start does not. One owner, one thread.
class BrokerProcess {
 public:
  explicit BrokerProcess(BrokerSetup setup = {});
  BrokerProcess(const BrokerProcess&) = delete;
  BrokerProcess& operator=(const BrokerProcess&) = delete;
  ~BrokerProcess();

  std::uint16_t port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::uint16_t admin_port() const { return admin_port_; }
  const std::string& data() const { return setup_.data; }
  const std::string& banner() const { return banner_; }
  pid_t pid() const { return pid_; }

  // kill -9; returns when it is gone.
  void kill();

  // SIGTERM; returns its exit code.
  int stop();

  // Starts again on the same data, on other ports. It has been killed or stopped.
  void start();

  // Settings for the next start().
  std::vector<std::string>& settings() { return setup_.settings; }

  // What it has written to standard error since it was made.
  std::string log() const;

  // Memory it holds now, in bytes: VmRSS, and the peak of it since the start.
  std::size_t resident_bytes() const;
  std::size_t resident_bytes_peak() const;

  // The command line that start() uses.
  std::vector<std::string> command() const;

 private:
  std::string read_banner(int descriptor);

  BrokerSetup setup_;
  storage::TestDirectory directory_;
  pid_t pid_ = -1;
  std::string banner_;
  std::uint16_t port_ = 0;
  std::uint16_t admin_port_ = 0;
};

// cmsd started with something in its way: runs until it gives up, and returns what it said.
Finished run_broker(const BrokerSetup& setup, milliseconds limit = patience);

}  // namespace cms::tests
