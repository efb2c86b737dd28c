// SPDX-License-Identifier: Apache-2.0
// What is measured at a Kafka endpoint, one run at a time. Each run makes a topic of one partition and deletes it
// again.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>

#include "bench/figures.h"
#include "bench/raw_client.h"

namespace cms::bench {

struct Side {
  client::Address address;
  pid_t pid = 0;  // of the broker, for its processor time; 0 when unknown
  bool counts_system_calls = false;
  TopicConfigs configs;  // of every topic made
};

struct Case {
  std::string_view name;
  std::string_view about;
  Figures (*run)(const Side& side, double seconds);
};

std::span<const Case> all_cases();

}  // namespace cms::bench
