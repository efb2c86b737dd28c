// SPDX-License-Identifier: Apache-2.0
// A Kafka client that costs next to nothing: frames built beforehand, one send and one receive a request, any number in
// flight. For programs that measure; what goes wrong ends the program with a message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/wire.h"
#include "client/socket.h"

namespace cms::bench {

using TopicConfigs = std::vector<std::pair<std::string, std::string>>;

inline constexpr std::int64_t no_offset = -1;

// One Fetch request for partition 0 that waits up to 5 s for a byte.
std::string fetch_frame(std::string_view topic, std::int64_t offset, std::int32_t bytes_max);
// Changes the offset in what fetch_frame() returned.
void set_fetch_offset(std::string& frame, std::int64_t offset);

// One Produce request of one batch.
std::string produce_frame(std::string_view topic, std::int16_t acks, std::string_view batch,
                          std::int32_t partition = 0);

// One CreateTopics request for one topic.
std::string create_topic_frame(std::string_view topic, std::int32_t partitions, const TopicConfigs& configs);

// An uncompressed batch of magic 2 with `count` records of `size` bytes of value, no keys, base offset 0.
std::string record_batch(std::int32_t count, std::size_t size);

struct ProduceReply {
  std::int16_t error = 0;
  std::int64_t base_offset = no_offset;
};
ProduceReply parse_produce_reply(ByteSpan frame);

struct FetchReply {
  std::int16_t error = 0;
  std::int64_t high_watermark = no_offset;
  std::size_t records_bytes = 0;
};
FetchReply parse_fetch_reply(ByteSpan frame);

class RawClient {
 public:
  explicit RawClient(const client::Address& address);

  void send(std::string_view frame);
  ByteSpan receive();  // valid until the next call
  bool has_frame() const { return socket_.has_frame(); }
  int descriptor() const { return socket_.descriptor(); }

  // Sends, and waits for the one answer.
  ProduceReply produce(std::string_view frame);

  // The offset the next record of partition 0 will have.
  std::int64_t next_offset(std::string_view topic);

  // Returns when a first record has been accepted.
  void create_topic(std::string_view topic, const TopicConfigs& configs);
  void delete_topic(std::string_view topic);

 private:
  client::Socket socket_;
  std::string name_;
};

}  // namespace cms::bench
