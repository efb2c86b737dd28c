// SPDX-License-Identifier: Apache-2.0
#include "coordinator/consumer/topic_pattern.h"

#include <re2/re2.h>

#include <algorithm>

namespace cms::coordinator {

namespace {

RE2 compile(std::string_view pattern) {
  RE2::Options options(RE2::Quiet);
  options.set_max_mem(pattern_memory_bytes_max);
  options.set_never_capture(true);
  return {re2::StringPiece(pattern.data(), pattern.size()), options};
}

}  // namespace

std::optional<std::string> why_not_a_pattern(std::string_view pattern) {
  if (pattern.size() > pattern_bytes_max) return "it is longer than " + std::to_string(pattern_bytes_max) + " bytes";
  const RE2 compiled = compile(pattern);
  if (compiled.ok()) return std::nullopt;
  return compiled.error();
}

std::vector<std::string> matching_topics(std::string_view pattern, const TopicCatalog& topics) {
  std::vector<std::string> names;
  if (pattern.size() > pattern_bytes_max) return names;
  const RE2 compiled = compile(pattern);
  if (!compiled.ok()) return names;
  topics.for_each([&](const TopicInfo& topic) {
    if (RE2::FullMatch(topic.name, compiled)) names.push_back(topic.name);
  });
  std::ranges::sort(names);
  return names;
}

}  // namespace cms::coordinator
