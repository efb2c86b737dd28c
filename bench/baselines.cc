// SPDX-License-Identifier: Apache-2.0
#include "bench/baselines.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "bench/loopback.h"

namespace cms::bench {

namespace {

[[noreturn]] void write_for_ever(int descriptor) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const std::vector<char> block(1 << 20, 'x');
  while (::send(descriptor, block.data(), block.size(), MSG_NOSIGNAL) > 0) {
  }
  ::_exit(0);
}

// A file of prewritten blocks, deleted at the end.
class PrewrittenFile {
 public:
  explicit PrewrittenFile(const std::string& directory) : path_(directory + "/durable-write-baseline") {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0600);
    if (descriptor_ < 0) die(path_);
    block_.reset(static_cast<char*>(std::aligned_alloc(4096, block_bytes)));
    std::fill_n(block_.get(), block_bytes, 'x');
    for (std::size_t at = 0; at < file_bytes; at += block_bytes) overwrite(block_bytes);
    if (::fdatasync(descriptor_) < 0) die(path_);
  }
  PrewrittenFile(const PrewrittenFile&) = delete;
  PrewrittenFile& operator=(const PrewrittenFile&) = delete;
  ~PrewrittenFile() {
    ::close(descriptor_);
    ::unlink(path_.c_str());
  }

  void overwrite_durably(std::size_t bytes) {
    overwrite(bytes);
    if (::fdatasync(descriptor_) < 0) die(path_);
  }

 private:
  static constexpr std::size_t block_bytes = 64 << 10;
  static constexpr std::size_t file_bytes = 64 << 20;
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };

  void overwrite(std::size_t bytes) {
    if (at_ + bytes > file_bytes) at_ = 0;
    if (::pwrite(descriptor_, block_.get(), bytes, static_cast<off_t>(at_)) != static_cast<ssize_t>(bytes)) die(path_);
    at_ += bytes;
  }

  const std::string path_;
  int descriptor_ = -1;
  std::size_t at_ = 0;
  std::unique_ptr<char, Free> block_;
};

}  // namespace

Figures tcp_stream_baseline(double seconds) {
  int reader = -1;
  int writer = -1;
  connect_pair(reader, writer);
  const pid_t child = ::fork();
  if (child < 0) die("fork");
  if (child == 0) {
    ::close(reader);  // or the writer would never learn that nobody reads
    write_for_ever(writer);
  }
  ::close(writer);
  std::vector<char> buffer(1 << 20);
  double received = 0;
  const std::uint64_t begin = now_ns();
  const std::uint64_t end = begin + static_cast<std::uint64_t>(seconds * 1e9);
  while (now_ns() < end) {
    const ssize_t count = ::recv(reader, buffer.data(), buffer.size(), 0);
    if (count <= 0) die("reading over the loopback");
    received += static_cast<double>(count);
  }
  const double elapsed = static_cast<double>(now_ns() - begin) / 1e9;
  ::close(reader);
  ::waitpid(child, nullptr, 0);
  return {{"throughput", "MB/s", received / elapsed / 1e6}};
}

Figures durable_write_baseline(const std::string& directory, double seconds) {
  PrewrittenFile file(directory);
  std::vector<std::uint64_t> samples;
  const auto half_ns = static_cast<std::uint64_t>(seconds * 0.5e9);
  for (const std::uint64_t end = now_ns() + half_ns; now_ns() < end;) {
    const std::uint64_t before = now_ns();
    file.overwrite_durably(4 << 10);
    samples.push_back(now_ns() - before);
  }
  constexpr std::size_t group_bytes = 64 << 10;
  double written = 0;
  const std::uint64_t begin = now_ns();
  for (; now_ns() < begin + half_ns; written += group_bytes) file.overwrite_durably(group_bytes);
  Figures figures = latency_figures(samples);
  figures.push_back({"64 KiB groups", "MB/s", written / (static_cast<double>(now_ns() - begin) / 1e9) / 1e6});
  return figures;
}

}  // namespace cms::bench
