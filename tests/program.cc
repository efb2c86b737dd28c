// SPDX-License-Identifier: Apache-2.0
#include "tests/program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <stdexcept>

#include "base/check.h"

namespace cms::tests {

namespace {

// A file without a name for one stream of a child: it can hold any amount, so that nobody waits for a reader.
class StreamFile {
 public:
  explicit StreamFile(std::string_view content = {}) : descriptor_(::memfd_create("stream", MFD_CLOEXEC)) {
    CHECK(descriptor_ >= 0);
    CHECK(::write(descriptor_, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    ::lseek(descriptor_, 0, SEEK_SET);
  }
  StreamFile(const StreamFile&) = delete;
  StreamFile& operator=(const StreamFile&) = delete;
  ~StreamFile() { ::close(descriptor_); }

  int descriptor() const { return descriptor_; }

  std::string content() const {
    std::string text(static_cast<std::size_t>(::lseek(descriptor_, 0, SEEK_END)), '\0');
    CHECK(::pread(descriptor_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    return text;
  }

 private:
  int descriptor_;
};

}  // namespace

std::string program_path(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

pid_t start_program(const std::vector<std::string>& arguments, const Streams& streams) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  CHECK(child >= 0);
  if (child > 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  const int null = ::open("/dev/null", O_RDWR);
  const std::array wanted{streams.in, streams.out, streams.err};
  for (int stream = 0; stream < 3; ++stream) {
    const int from = wanted[static_cast<std::size_t>(stream)];
    ::dup2(from < 0 ? null : from, stream);
  }
  ::execv(pointers[0], pointers.data());
  ::_exit(127);
}

std::optional<int> wait_for_exit(pid_t child, milliseconds limit) {
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  CHECK(handle >= 0);
  pollfd ended{handle, POLLIN, 0};
  const int ready = ::poll(&ended, 1, static_cast<int>(limit.count()));
  ::close(handle);
  if (ready <= 0) return std::nullopt;
  int status = 0;
  CHECK(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Finished run_program(const std::vector<std::string>& arguments, std::string_view input, milliseconds limit) {
  const StreamFile in(input);
  const StreamFile out;
  const StreamFile err;
  const pid_t child = start_program(arguments, {in.descriptor(), out.descriptor(), err.descriptor()});
  const std::optional<int> exit_code = wait_for_exit(child, limit);
  if (!exit_code) {
    ::kill(child, SIGKILL);
    wait_for_exit(child);
    throw std::runtime_error(arguments[0] + " did not end in time; it said: " + out.content() + err.content());
  }
  return {*exit_code, out.content(), err.content()};
}

}  // namespace cms::tests
