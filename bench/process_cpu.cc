// SPDX-License-Identifier: Apache-2.0
#include "bench/process_cpu.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace cms::bench {

namespace {

// utime + stime of /proc/PID/stat; the fields are counted from behind the command's name, which may hold anything.
double from_stat(const std::string& process) {
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

}  // namespace

double process_cpu_seconds(pid_t pid) {
  if (pid <= 0) return 0;
  const std::string process = "/proc/" + std::to_string(pid);
  double total_ns = 0;
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator(process + "/task", error)) {
    std::ifstream file(thread.path() / "schedstat");
    double on_cpu_ns = 0;
    if (file >> on_cpu_ns) total_ns += on_cpu_ns;
  }
  return total_ns > 0 ? total_ns / 1e9 : from_stat(process);
}

}  // namespace cms::bench
