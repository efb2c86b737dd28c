// SPDX-License-Identifier: Apache-2.0
// The broker's own APIs, for native clients: channels over which records are pushed and put. Their keys lie far above
// Kafka's and are told to clients of ours only. docs/push.md says how they play together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "protocol/api.h"
#include "protocol/codec.h"
#include "protocol/errors.h"
#include "protocol/fields.h"
#include "protocol/records.h"
#include "protocol/version.h"

namespace cms::protocol {

// A connection has one channel at most, which ends with it. TCP: from the response on, frames with the correlation id
// push_correlation_id come between responses. Shared memory, RDMA: the channel exists once the client has shown `token`
// at `endpoint`, within token_valid_ms.
struct OpenChannelRequest {
  static constexpr ApiKey api_key = ApiKey::open_channel;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  std::int8_t kind = 0;             // transport::ChannelKind
  std::int16_t layout_version = 0;  // push::layout_version of the client
  std::int32_t ring_bytes = 0;      // of each way; 0: the broker's default. Rounded up to a power of two
  std::int32_t heartbeat_ms = 0;    // 0: the broker's default
  bool want_stages = false;         // this subscriber gets push::Stages for puts that ask for them
  bool map_logs = false;            // shared memory: map the logs' memory and get descriptors instead of copies

  static constexpr void fields(auto&& field) {
    field(member<&OpenChannelRequest::kind>);
    field(member<&OpenChannelRequest::layout_version>);
    field(member<&OpenChannelRequest::ring_bytes>);
    field(member<&OpenChannelRequest::heartbeat_ms>);
    field(member<&OpenChannelRequest::want_stages>);
    field(member<&OpenChannelRequest::map_logs>);
  }
};

struct OpenChannelResponse {
  static constexpr ApiKey api_key = ApiKey::open_channel;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::int16_t layout_version = 0;
  base::Uuid token;      // shown once
  std::string endpoint;  // shm: path of a Unix socket; rdma: HOST:PORT; tcp: empty
  std::int32_t token_valid_ms = 0;
  std::int32_t ring_bytes = 0;  // as it is
  std::int32_t heartbeat_ms = 0;
  bool map_logs = false;  // granted: push::DeliverInPlace comes beside push::Deliver

  static constexpr void fields(auto&& field) {
    field(member<&OpenChannelResponse::throttle_time_ms>);
    field(member<&OpenChannelResponse::error_code>);
    field(member<&OpenChannelResponse::error_message>);
    field(member<&OpenChannelResponse::layout_version>);
    field(member<&OpenChannelResponse::token>);
    field(member<&OpenChannelResponse::endpoint>);
    field(member<&OpenChannelResponse::token_valid_ms>);
    field(member<&OpenChannelResponse::ring_bytes>);
    field(member<&OpenChannelResponse::heartbeat_ms>);
    field(member<&OpenChannelResponse::map_logs>);
  }
};

// How a subscription names its topics.
enum class TopicMatch : std::int8_t {
  exact = 0,    // one topic, which need not exist yet
  prefix = 1,   // all whose name begins so
  pattern = 2,  // words between dots: `*` is any one word, `>` at the end is one or more
};

// Where a subscription begins in a partition that it sees for the first time. A partition that joins later, because its
// topic was made or enlarged, is delivered from its start whatever this says, except with `live` when it was there.
enum class StartAt : std::int8_t {
  live = 0,       // what becomes stable from now on
  earliest = 1,   // the log start
  offset = 2,     // start_value, or the log start behind it
  time = 3,       // the first record with this timestamp (ms) or a later one
  committed = 4,  // of group_id; without a commit as start_value says: 0 live, 1 earliest
};

// The streams it opens are told on the channel (push::StreamOpened), now and when topics or partitions join.
struct SubscribeRequest {
  static constexpr ApiKey api_key = ApiKey::subscribe;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  struct ResumePoint {
    base::Uuid topic_id;
    std::int32_t partition = 0;
    std::int64_t next_offset = 0;

    static constexpr void fields(auto&& field) {
      field(member<&ResumePoint::topic_id>);
      field(member<&ResumePoint::partition>);
      field(member<&ResumePoint::next_offset>);
    }
  };

  std::int32_t subscription = 0;  // the client's number for it, unused so far on this channel
  TopicMatch match = TopicMatch::exact;
  std::string topics;                    // name, prefix or pattern; with or without /cms/topics/ in front
  std::vector<std::int32_t> partitions;  // empty: all
  StartAt start = StartAt::live;
  std::int64_t start_value = 0;
  std::vector<ResumePoint> resume;       // where a client goes on after a reconnect; these come before `start`
  std::string group_id;                  // for StartAt::committed
  std::int32_t bytes_in_flight_max = 0;  // push::Credit gives them back; 0: as much as the ring takes

  static constexpr void fields(auto&& field) {
    field(member<&SubscribeRequest::subscription>);
    field(member<&SubscribeRequest::match>);
    field(member<&SubscribeRequest::topics>);
    field(member<&SubscribeRequest::partitions>);
    field(member<&SubscribeRequest::start>);
    field(member<&SubscribeRequest::start_value>);
    field(member<&SubscribeRequest::resume>);
    field(member<&SubscribeRequest::group_id>);
    field(member<&SubscribeRequest::bytes_in_flight_max>);
  }
};

struct SubscribeResponse {
  static constexpr ApiKey api_key = ApiKey::subscribe;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::int32_t streams = 0;  // opened at once

  static constexpr void fields(auto&& field) {
    field(member<&SubscribeResponse::throttle_time_ms>);
    field(member<&SubscribeResponse::error_code>);
    field(member<&SubscribeResponse::error_message>);
    field(member<&SubscribeResponse::streams>);
  }
};

struct UnsubscribeRequest {
  static constexpr ApiKey api_key = ApiKey::unsubscribe;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  std::int32_t subscription = 0;

  static constexpr void fields(auto&& field) { field(member<&UnsubscribeRequest::subscription>); }
};

struct UnsubscribeResponse {
  static constexpr ApiKey api_key = ApiKey::unsubscribe;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;

  static constexpr void fields(auto&& field) {
    field(member<&UnsubscribeResponse::throttle_time_ms>);
    field(member<&UnsubscribeResponse::error_code>);
    field(member<&UnsubscribeResponse::error_message>);
  }
};

// Each stream is closed and opened anew, with another number, at the new place.
struct SeekRequest {
  static constexpr ApiKey api_key = ApiKey::seek;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  std::int32_t subscription = 0;
  std::vector<std::int32_t> streams;  // empty: all of the subscription
  StartAt start = StartAt::offset;    // not committed
  std::int64_t start_value = 0;

  static constexpr void fields(auto&& field) {
    field(member<&SeekRequest::subscription>);
    field(member<&SeekRequest::streams>);
    field(member<&SeekRequest::start>);
    field(member<&SeekRequest::start_value>);
  }
};

struct SeekResponse {
  static constexpr ApiKey api_key = ApiKey::seek;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::int64_t first_stream = 0;  // streams with lower numbers are from before; their messages may be on the way still

  static constexpr void fields(auto&& field) {
    field(member<&SeekResponse::throttle_time_ms>);
    field(member<&SeekResponse::error_code>);
    field(member<&SeekResponse::error_message>);
    field(member<&SeekResponse::first_stream>);
  }
};

// A topic to put records to. Access is asked for here and at each put.
struct OpenPublicationRequest {
  static constexpr ApiKey api_key = ApiKey::open_publication;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  std::int32_t publication = 0;  // the client's number for it, unused so far on this channel
  std::string topic;             // with or without /cms/topics/ in front
  bool create = true;            // if it does not exist and the broker makes topics by itself

  static constexpr void fields(auto&& field) {
    field(member<&OpenPublicationRequest::publication>);
    field(member<&OpenPublicationRequest::topic>);
    field(member<&OpenPublicationRequest::create>);
  }
};

struct OpenPublicationResponse {
  static constexpr ApiKey api_key = ApiKey::open_publication;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  base::Uuid topic_id;
  std::int32_t partitions = 0;
  std::int32_t batch_bytes_max = 0;  // max.message.bytes
  std::int8_t durability = 0;        // 0 persistent, 1 volatile, 2 transient

  static constexpr void fields(auto&& field) {
    field(member<&OpenPublicationResponse::throttle_time_ms>);
    field(member<&OpenPublicationResponse::error_code>);
    field(member<&OpenPublicationResponse::error_message>);
    field(member<&OpenPublicationResponse::topic_id>);
    field(member<&OpenPublicationResponse::partitions>);
    field(member<&OpenPublicationResponse::batch_bytes_max>);
    field(member<&OpenPublicationResponse::durability>);
  }
};

// What a client sends on a TCP channel. There is no response.
struct ChannelMessagesRequest {
  static constexpr ApiKey api_key = ApiKey::channel_messages;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  RecordsView messages;  // each: length (little-endian uint32), then the message

  static constexpr void fields(auto&& field) { field(member<&ChannelMessagesRequest::messages>); }
};

// What the broker sends on a TCP channel, in a frame of this: size, push_correlation_id, messages as above. Not a
// response: this struct only names the pair.
struct ChannelMessagesResponse {
  static constexpr ApiKey api_key = ApiKey::channel_messages;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  static constexpr void fields(auto&&) {}
};

// The channels of a broker, for who looks at it from outside; the connection needs none of its own. Counters rise from
// the opening of the channel. Lag, room and how many subscriptions and streams there are were noted at its last beat.
struct DescribeChannelsRequest {
  static constexpr ApiKey api_key = ApiKey::describe_channels;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  std::int32_t channels_max = 0;  // 0: as many as the broker tells at most

  static constexpr void fields(auto&& field) { field(member<&DescribeChannelsRequest::channels_max>); }
};

struct DescribeChannelsResponse {
  static constexpr ApiKey api_key = ApiKey::describe_channels;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  struct Channel {
    std::int64_t number = 0;  // of this broker, until it ends
    std::string client_id;    // the beginning of a long one
    std::string address;
    std::int8_t kind = 0;         // transport::ChannelKind
    std::int64_t ring_bytes = 0;  // to the client; TCP: the window
    std::int64_t room_bytes = 0;  // what it would take now; of a ring a message at most
    std::int32_t subscriptions = 0;
    std::int32_t streams = 0;
    std::int64_t lag = 0;      // records stable and not sent
    std::int64_t records = 0;  // pushed
    std::int64_t bytes = 0;    // of their batches
    std::int64_t puts = 0;     // batches that the client has put

    static constexpr void fields(auto&& field) {
      field(member<&Channel::number>);
      field(member<&Channel::client_id>);
      field(member<&Channel::address>);
      field(member<&Channel::kind>);
      field(member<&Channel::ring_bytes>);
      field(member<&Channel::room_bytes>);
      field(member<&Channel::subscriptions>);
      field(member<&Channel::streams>);
      field(member<&Channel::lag>);
      field(member<&Channel::records>);
      field(member<&Channel::bytes>);
      field(member<&Channel::puts>);
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::int32_t total = 0;         // that the broker has
  std::vector<Channel> channels;  // those that lag most, the most first

  static constexpr void fields(auto&& field) {
    field(member<&DescribeChannelsResponse::throttle_time_ms>);
    field(member<&DescribeChannelsResponse::error_code>);
    field(member<&DescribeChannelsResponse::error_message>);
    field(member<&DescribeChannelsResponse::total>);
    field(member<&DescribeChannelsResponse::channels>);
  }
};

}  // namespace cms::protocol
