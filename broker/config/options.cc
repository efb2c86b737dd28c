// SPDX-License-Identifier: Apache-2.0
#include "broker/config/options.h"

#include <sched.h>

#include <algorithm>

namespace cms::broker {

std::string default_data_directory(const ConfigMap& environment, bool is_root) {
  if (is_root) return "/var/lib/cms";
  const auto value = [&environment](std::string_view name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
  };
  // The XDG base directory specification: a relative path is to be ignored.
  if (const std::string state = value("XDG_STATE_HOME"); state.starts_with('/')) return state + "/cms";
  if (const std::string home = value("HOME"); home.starts_with('/')) return home + "/.local/state/cms";
  return "/var/tmp/cms";
}

std::int32_t default_core_count() {
  cpu_set_t usable;
  CPU_ZERO(&usable);
  if (sched_getaffinity(0, sizeof usable, &usable) != 0) return 1;
  return std::max(1, CPU_COUNT(&usable) / 2);
}

}  // namespace cms::broker
