// SPDX-License-Identifier: Apache-2.0
#include "coordinator/consumer/metadata_hash.h"

#include <cstring>

#include <xxhash.h>

namespace cms::coordinator {

namespace {

template <typename Number>
void put(std::vector<std::byte>& bytes, Number number) {
  for (std::size_t i = 0; i < sizeof number; ++i) bytes.push_back(static_cast<std::byte>(number >> (8 * i)));
}

std::uint64_t big_endian(const std::byte* bytes) {
  std::uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = number << 8 | static_cast<std::uint8_t>(bytes[i]);
  return number;
}

// A version byte, the id as two numbers, the name as UTF-16 with its length behind it, the count, each partition.
std::uint64_t topic_hash(const TopicInfo& topic, std::vector<std::byte>& bytes) {
  bytes.clear();
  put(bytes, std::uint8_t{0});
  put(bytes, big_endian(topic.id.bytes.data()));
  put(bytes, big_endian(topic.id.bytes.data() + 8));
  for (const char letter : topic.name) put(bytes, static_cast<std::uint16_t>(static_cast<unsigned char>(letter)));
  put(bytes, static_cast<std::uint32_t>(topic.name.size()));
  put(bytes, static_cast<std::uint32_t>(topic.partition_count));
  for (std::int32_t i = 0; i < topic.partition_count; ++i) put(bytes, static_cast<std::uint32_t>(i));
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace

std::int64_t metadata_hash(const std::vector<std::string>& topics, const TopicCatalog& catalog) {
  std::vector<std::byte> scratch;
  std::vector<std::byte> hashes;
  for (const std::string& name : topics) {
    if (const std::optional<TopicInfo> topic = catalog.find(std::string_view(name)))
      put(hashes, topic_hash(*topic, scratch));
  }
  return hashes.empty() ? 0 : static_cast<std::int64_t>(XXH3_64bits(hashes.data(), hashes.size()));
}

}  // namespace cms::coordinator
