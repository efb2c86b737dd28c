// SPDX-License-Identifier: Apache-2.0
#include "broker/groups/offsets_topic.h"

#include <limits>

#include "base/check.h"

namespace cms::broker {

namespace {

constexpr char32_t replacement_character = 0xfffd;

// The code point at the start of `text`, which loses its bytes.
char32_t take_code_point(std::string_view& text) {
  const auto byte_at = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char first = byte_at(0);
  const std::size_t size = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  char32_t point = size == 1 ? first : first & (0xffu >> (size + 1));
  bool valid = first < 0x80 || (first >= 0xc2 && first < 0xf5 && text.size() >= size);
  for (std::size_t i = 1; valid && i < size; ++i) {
    valid = (byte_at(i) & 0xc0) == 0x80;
    point = (point << 6) | (byte_at(i) & 0x3fu);
  }
  text.remove_prefix(valid ? size : 1);
  return valid ? point : replacement_character;
}

std::uint32_t java_hash(std::string_view text) {
  std::uint32_t hash = 0;
  const auto add = [&hash](std::uint32_t code_unit) { hash = hash * 31 + code_unit; };
  while (!text.empty()) {
    const char32_t point = take_code_point(text);
    if (point < 0x10000) {
      add(point);
    } else {  // Java's strings are UTF-16
      add(0xd800 + ((point - 0x10000) >> 10));
      add(0xdc00 + ((point - 0x10000) & 0x3ff));
    }
  }
  return hash;
}

}  // namespace

std::int32_t partition_of_group(std::string_view group_id, std::int32_t partition_count) {
  CHECK(partition_count > 0);
  const auto hash = static_cast<std::int32_t>(java_hash(group_id));
  if (hash == std::numeric_limits<std::int32_t>::min()) return 0;
  return (hash < 0 ? -hash : hash) % partition_count;
}

NewTopic new_offsets_topic(const Options& options) {
  return {.name = std::string(offsets_topic_name),
          .partitions = options.offsets_topic_num_partitions,
          .configs = {{"cleanup.policy", "compact"},
                      {"compression.type", "producer"},
                      {"segment.bytes", std::to_string(options.offsets_topic_segment_bytes)},
                      {"cms.durability", "persistent"}},
          .replication_factor = 1};
}

}  // namespace cms::broker
