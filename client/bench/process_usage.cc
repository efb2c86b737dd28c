// SPDX-License-Identifier: Apache-2.0
#include "client/bench/process_usage.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "transport/descriptor.h"

namespace cms::client::bench {

namespace {

using base::Error;
using base::ErrorKind;
using transport::Descriptor;

std::string directory_of(pid_t pid) { return "/proc/" + std::to_string(pid); }

// The numbers and paths of its threads.
std::vector<std::pair<pid_t, std::string>> threads_of(pid_t pid) {
  std::vector<std::pair<pid_t, std::string>> threads;
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator(directory_of(pid) + "/task", error))
    threads.emplace_back(std::atoi(thread.path().filename().c_str()), thread.path());
  return threads;
}

// utime + stime of /proc/PID/stat; the fields are counted from behind the command's name, which may hold anything.
double cpu_from_stat(const std::string& process) {
  std::ifstream file(process + "/stat");
  std::string text;
  if (!std::getline(file, text)) return 0;
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  unsigned long user = 0;
  unsigned long system = 0;
  if (std::sscanf(text.c_str() + name_end + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) !=
      2)
    return 0;
  return static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::uint64_t switches_of(const std::string& thread) {
  std::ifstream file(thread + "/status");
  std::uint64_t switches = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.find("ctxt_switches:") != std::string::npos)
      switches += std::strtoull(line.c_str() + line.find(':') + 1, nullptr, 10);
  }
  return switches;
}

std::uint64_t resident_bytes_of(pid_t pid) {
  std::ifstream file(directory_of(pid) + "/statm");
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// A mount of tracefs that no directory shows and that ends with the descriptor: many systems have it mounted nowhere.
// Takes CAP_SYS_ADMIN; an invalid descriptor where that or the kernel's part is missing.
Descriptor mount_tracefs() {
  const Descriptor context(::fsopen("tracefs", FSOPEN_CLOEXEC));
  if (!context.valid() || ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return {};
  return Descriptor(::fsmount(context.get(), FSMOUNT_CLOEXEC, 0));
}

// The tracepoint's number, which is another on each kernel, below where tracefs is mounted.
std::optional<std::uint64_t> event_number_below(const Descriptor& tracefs) {
  const Descriptor file(::openat(tracefs.get(), "events/raw_syscalls/sys_enter/id", O_RDONLY | O_CLOEXEC));
  char text[32];
  const ssize_t length = file.valid() ? ::read(file.get(), text, sizeof text) : -1;
  std::uint64_t number = 0;
  if (length <= 0 || std::from_chars(text, text + length, number).ec != std::errc{}) return std::nullopt;
  return number;
}

base::Result<std::uint64_t> system_call_event() {
  for (const char* const mounted : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
    if (const auto number = event_number_below(Descriptor(::open(mounted, O_PATH | O_DIRECTORY | O_CLOEXEC))))
      return *number;
  }
  if (const auto number = event_number_below(mount_tracefs())) return *number;
  return Error(ErrorKind::unsupported,
               "system calls cannot be counted: tracefs, where the kernel names its tracepoints, cannot be read; be "
               "root, or run without --system-calls");
}

}  // namespace

double process_cpu_seconds(pid_t pid) {
  if (pid <= 0) return 0;
  double total_ns = 0;
  for (const auto& [unused, path] : threads_of(pid)) {
    std::ifstream file(path + "/schedstat");
    double on_cpu_ns = 0;
    if (file >> on_cpu_ns) total_ns += on_cpu_ns;
  }
  return total_ns > 0 ? total_ns / 1e9 : cpu_from_stat(directory_of(pid));
}

ProcessUsage between(const ProcessUsage& before, const ProcessUsage& after) {
  ProcessUsage used = after;
  used.cpu_seconds -= before.cpu_seconds;
  // A thread that ended meanwhile has taken its count with it.
  used.context_switches -= std::min(before.context_switches, after.context_switches);
  if (used.system_calls && before.system_calls) *used.system_calls -= *before.system_calls;
  return used;
}

base::Result<ObservedProcess> ObservedProcess::open(pid_t pid, Counts counts) {
  ObservedProcess observed(pid);
  if (pid <= 0 || threads_of(pid).empty())
    return Error(ErrorKind::not_found, "there is no process " + std::to_string(pid));
  if (counts == Counts::system_calls_too) {
    if (auto counted = observed.count_system_calls(); !counted) return counted.error();
  }
  return observed;
}

ObservedProcess::ObservedProcess(ObservedProcess&& other) noexcept
    : pid_(other.pid_), counters_(std::exchange(other.counters_, {})) {}

ObservedProcess::~ObservedProcess() {
  for (const int counter : counters_) ::close(counter);
}

base::Result<void> ObservedProcess::count_system_calls() {
  const auto event = system_call_event();
  if (!event) return event.error();
  perf_event_attr wanted{};
  wanted.size = sizeof wanted;
  wanted.type = PERF_TYPE_TRACEPOINT;
  wanted.config = *event;
  wanted.inherit = 1;
  for (const auto& [thread, unused] : threads_of(pid_)) {
    const long counter = ::syscall(SYS_perf_event_open, &wanted, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (counter < 0 && errno == ESRCH) continue;  // it has ended
    if (counter < 0) return Error::from_errno(errno, "counting the system calls of process " + std::to_string(pid_));
    counters_.push_back(static_cast<int>(counter));
  }
  return {};
}

base::Result<Observation> Observation::of(pid_t pid, bool counts_system_calls) {
  Observation observation;
  if (pid == 0) return observation;
  using Counts = ObservedProcess::Counts;
  auto opened = ObservedProcess::open(pid, counts_system_calls ? Counts::system_calls_too : Counts::what_is_free);
  if (!opened) return opened.error();
  observation.process_.emplace(std::move(*opened));
  return observation;
}

void Observation::begin() {
  if (process_) before_ = process_->usage();
}

void Observation::end() {
  if (process_) used_ = between(before_, process_->usage());
}

ProcessUsage ObservedProcess::usage() const {
  ProcessUsage usage;
  usage.cpu_seconds = process_cpu_seconds(pid_);
  usage.resident_bytes = resident_bytes_of(pid_);
  for (const auto& [unused, path] : threads_of(pid_)) usage.context_switches += switches_of(path);
  if (counters_.empty()) return usage;
  usage.system_calls = 0;
  for (const int counter : counters_) {
    std::uint64_t count = 0;
    if (::read(counter, &count, sizeof count) == sizeof count) *usage.system_calls += count;
  }
  return usage;
}

}  // namespace cms::client::bench
