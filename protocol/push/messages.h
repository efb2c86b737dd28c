// SPDX-License-Identifier: Apache-2.0
// The messages of a channel, between the broker and a native client. docs/push.md says who sends what when.
//
// A message is one of these headers, little-endian, without padding of the compiler's, and behind it the bytes it
// announces. Unlike requests they have one version, settled when the channel is opened. A reader copies the header out
// first and checks it against the bytes present: in shared memory the peer may still write to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "base/bytes.h"

namespace cms::protocol::push {

// Told by the broker in OpenChannel; a client that does not know it does not use the channel.
inline constexpr std::int16_t layout_version = 1;

enum class MessageType : std::uint16_t {
  // broker to client
  deliver = 1,
  gap = 2,
  stream_opened = 3,
  stream_closed = 4,
  put_result = 5,
  stages = 6,
  chunk_shared = 7,
  deliver_in_place = 8,
  // client to broker
  put = 16,
  credit = 17,
  // both
  heartbeat = 32,
};

// Record batches of one stream, as the log keeps them (Kafka's format, magic 2), in offset order: a run of whole ones,
// or a piece of one that is too large for a message. `total_bytes` is the size of the run, or of the whole batch;
// pieces of one batch follow one another in their stream, and other streams' messages may lie between them. The first
// batch may begin before the offset the subscription wants next; its first records are then to be skipped.
struct Deliver {
  static constexpr MessageType type = MessageType::deliver;
  std::uint16_t message_type = static_cast<std::uint16_t>(type);
  std::uint16_t flags = 0;
  std::uint32_t stream = 0;
  std::uint32_t total_bytes = 0;
  std::uint32_t piece_offset = 0;  // of the bytes behind this header, in the batch; 0: a run, or a first piece
};

// A piece of a log's memory that the client maps for reading: the descriptor was handed over before this. It lies in
// `slot` from now on, and what was there is not named any more. Behind its `bytes` is the page of its generation
// (storage/arena.h), a number of 64 bits. Only on channels that were opened with map_logs.
struct ChunkShared {
  static constexpr MessageType type = MessageType::chunk_shared;
  std::uint16_t message_type = static_cast<std::uint16_t>(type);
  std::uint16_t flags = 0;
  std::uint32_t slot = 0;
  std::uint64_t chunk = 0;  // its number, never given to another
  std::uint64_t bytes = 0;
};

// Bounds of what a client maps.
inline constexpr std::uint32_t shared_slots = 64;
inline constexpr std::uint64_t shared_chunk_bytes_max = 8u << 20;
inline constexpr std::size_t generation_page_bytes = 4096;

// Whole batches of one stream as in Deliver, but where they lie: `bytes` from `position` of the chunk in `slot`. They
// hold records of [first_offset, end_offset). They are what they were as long as the chunk has this generation; when it
// is another after they were looked at, these records are lost to the reader as by a Gap.
struct DeliverInPlace {
  static constexpr MessageType type = MessageType::deliver_in_place;
  std::uint16_t message_type = static_cast<std::uint16_t>(type);
  std::uint16_t flags = 0;
  std::uint32_t stream = 0;
  std::uint32_t slot = 0;
  std::uint32_t position = 0;
  std::uint32_t bytes = 0;
  std::uint32_t reserved = 0;
  std::uint64_t generation = 0;
  std::int64_t first_offset = 0;
  std::int64_t end_offset = 0;
};

// Records [from, to) of a stream are lost to this subscriber: removed by retention or compaction's delete before they
// were sent, or a transient topic's past. Delivery goes on at `to`. Never sent for offsets that hold no records.
struct Gap {
  static constexpr MessageType type = MessageType::gap;
  std::uint16_t message_type = static_cast<std::uint16_t>(type);
  std::uint16_t flags = 0;
  std::uint32_t stream = 0;
  std::int64_t from = 0;
  std::int64_t to = 0;
};

// One partition of a subscription, before anything else of it. `name_bytes` of topic name follow. Streams have numbers
// of their own so that a seek, or a topic made anew under an old name, gets a new one: what was still under way for the
// old number is to be dropped by the client.
struct StreamOpened {
  static constexpr MessageType type = MessageType::stream_opened;
  std::uint16_t message_type = static_cast<std::uint16_t>(type);
  std::uint16_t name_bytes = 0;
  std::uint32_t stream = 0;
  std::uint32_t subscription = 0;
  std::int32_t partition = 0;
  std::int64_t next_offset = 0;  // delivery begins here
  std::byte topic_id[16] = {};
};

// Nothing more comes of this stream.
struct StreamClosed {
  static constexpr MessageType type = MessageType::stream_closed;
  std::uint16_t message_type = static_cast<std::uint16_t>(type);
  std::int16_t error = 0;  // protocol::ErrorCode; none after an unsubscribe or a seek
  std::uint32_t stream = 0;
};

// The answer to a put, when its records are what the topic promises: handed on (transient), stable (volatile), synced
// (persistent). In the order of the puts for each partition, not across partitions.
struct PutResult {
  static constexpr MessageType type = MessageType::put_result;
  std::uint16_t message_type = static_cast<std::uint16_t>(type);
  std::int16_t error = 0;  // protocol::ErrorCode
  std::uint32_t publication = 0;
  std::uint64_t put_id = 0;
  std::int64_t base_offset = -1;
  std::int64_t log_append_time_ms = -1;
};

// When a put that asked for it went through the broker: CLOCK_MONOTONIC of the broker's machine, in ns. Behind the
// Deliver of the same record, on the channel of the subscriber.
struct Stages {
  static constexpr MessageType type = MessageType::stages;
  std::uint16_t message_type = static_cast<std::uint16_t>(type);
  std::uint16_t flags = 0;
  std::uint32_t stream = 0;
  std::int64_t offset = 0;
  std::int64_t appended_ns = 0;
  std::int64_t stable_ns = 0;
  std::int64_t enqueued_ns = 0;
  std::int64_t pushed_ns = 0;
};

// One record batch of `batch_bytes` for a partition of a publication, as a producer would send it. A batch too large
// for one message comes in pieces, one behind the other with no other put between.
struct Put {
  static constexpr MessageType type = MessageType::put;
  static constexpr std::uint16_t want_stages = 1;  // flag
  static constexpr std::uint16_t no_result = 2;    // flag: no PutResult is wanted unless it fails
  std::uint16_t message_type = static_cast<std::uint16_t>(type);
  std::uint16_t flags = 0;
  std::uint32_t publication = 0;
  std::uint64_t put_id = 0;  // the client's; rises by one with each put
  std::int32_t partition = 0;
  std::uint32_t batch_bytes = 0;
  std::uint32_t piece_offset = 0;
  std::uint32_t reserved = 0;
};

// `bytes` of records, what lay behind the headers of Deliver messages of a subscription, are done with, in all since it
// was made. Only for subscriptions that limit their bytes in flight.
struct Credit {
  static constexpr MessageType type = MessageType::credit;
  std::uint16_t message_type = static_cast<std::uint16_t>(type);
  std::uint16_t flags = 0;
  std::uint32_t subscription = 0;
  std::uint64_t bytes = 0;
};

// I am alive: sent when nothing else was for the interval that OpenChannel told. A peer that is silent for three of
// them is gone.
struct Heartbeat {
  static constexpr MessageType type = MessageType::heartbeat;
  std::uint16_t message_type = static_cast<std::uint16_t>(type);
  std::uint16_t flags = 0;
  std::uint32_t reserved = 0;
};

static_assert(sizeof(Deliver) == 16 && sizeof(Gap) == 24 && sizeof(StreamOpened) == 40 && sizeof(StreamClosed) == 8);
static_assert(sizeof(PutResult) == 32 && sizeof(Stages) == 48 && sizeof(Put) == 32 && sizeof(Credit) == 16);
static_assert(sizeof(Heartbeat) == 8 && sizeof(ChunkShared) == 24 && sizeof(DeliverInPlace) == 48);

// The type that a message names; nothing when it is shorter than any header.
inline std::optional<MessageType> type_of(base::ByteSpan message) {
  std::uint16_t type;
  if (message.size() < sizeof type) return std::nullopt;
  std::memcpy(&type, message.data(), sizeof type);
  return static_cast<MessageType>(type);
}

// A copy of the header; nothing when the message is too short for it. The bytes behind it are message.subspan(sizeof).
template <typename Header>
std::optional<Header> header_of(base::ByteSpan message) {
  if (message.size() < sizeof(Header)) return std::nullopt;
  Header header;
  std::memcpy(&header, message.data(), sizeof header);
  return header;
}

template <typename Header>
base::ByteSpan bytes_of(const Header& header) {
  return {reinterpret_cast<const std::byte*>(&header), sizeof header};
}

}  // namespace cms::protocol::push
