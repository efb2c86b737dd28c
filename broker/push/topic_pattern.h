// SPDX-License-Identifier: Apache-2.0
// How a subscription names its topics: one name, a prefix, or words between dots of which `*` is any one and `>`, at
// the end, one or more. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cms::broker::push {

// Where topics lie among object pools. Names come with or without it.
inline constexpr std::string_view topics_pool = "/cms/topics/";

std::string_view without_pool(std::string_view name);

struct TopicPattern {
  enum class Kind { exact, prefix, words };

  Kind kind = Kind::exact;
  std::string text;  // without the pool

  // The error says what is wrong with the name, prefix or pattern.
  static base::Result<TopicPattern> make(Kind kind, std::string_view text);

  // What the trie does for all patterns at once. Internal topics are matched by their whole name only.
  bool matches(std::string_view topic) const;
};

}  // namespace cms::broker::push
