// SPDX-License-Identifier: Apache-2.0
// A client with nothing in between: any bytes, requests of any version, answers in the order they come.
//
// What must not happen (a refused connection, no answer in time, a wrong correlation id) is thrown, so that the test
// that it happens to fails with its words.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "protocol/frame.h"
#include "protocol/header.h"
#include "protocol/messages.h"
#include "tests/program.h"

namespace cms::tests {

using base::ByteSpan;
using protocol::ApiKey;
using protocol::ErrorCode;
using protocol::Version;

// Every API of protocol/messages.h.
// clang-format off
#define CMS_EACH_API(of) \
  of(Produce) of(Fetch) of(ListOffsets) of(Metadata) of(OffsetCommit) of(OffsetFetch) of(FindCoordinator) \
  of(JoinGroup) of(Heartbeat) of(LeaveGroup) of(SyncGroup) of(DescribeGroups) of(ListGroups) of(ApiVersions) \
  of(CreateTopics) of(DeleteTopics) of(DeleteRecords) of(InitProducerId) of(OffsetForLeaderEpoch) \
  of(DescribeConfigs) of(AlterConfigs) of(DescribeLogDirs) of(CreatePartitions) of(DeleteGroups) \
  of(ElectLeaders) of(IncrementalAlterConfigs) of(AlterPartitionReassignments) of(ListPartitionReassignments) \
  of(OffsetDelete) of(DescribeCluster) of(ConsumerGroupHeartbeat) of(ConsumerGroupDescribe) \
  of(GetTelemetrySubscriptions) of(PushTelemetry) of(ListConfigResources) of(DescribeTopicPartitions) \
  of(OpenChannel) of(Subscribe) of(Unsubscribe) of(Seek) of(OpenPublication) of(ChannelMessages) \
  of(DescribeChannels)
// clang-format on

namespace detail {
using namespace protocol;
#define CMS_DECLARE(name) name##Response answer_to(const name##Request&);
CMS_EACH_API(CMS_DECLARE)
#undef CMS_DECLARE
}  // namespace detail

template <protocol::Message Request>
using AnswerTo = decltype(detail::answer_to(std::declval<const Request&>()));

// The bytes of a whole frame.
template <protocol::Message Request>
std::vector<std::byte> frame_of(const Request& request, Version version, std::int32_t correlation_id,
                                std::optional<std::string> client_id = "wire");

// A frame around any body, for what no message can say. Header version 1, or 2 when `flexible`.
std::vector<std::byte> raw_frame(std::int16_t api_key, Version version, std::int32_t correlation_id, ByteSpan body,
                                 bool flexible);

std::vector<std::byte> bytes_of(protocol::FrameBuffer& frames);

class Wire {
 public:
  // TCP on the loopback. `receive_window` bounds what the system takes in for us unread; 0: its default.
  explicit Wire(std::uint16_t port, int receive_window = 0);
  // A Unix socket.
  explicit Wire(const std::string& path);
  Wire(Wire&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)),
        next_correlation_id_(other.next_correlation_id_),
        expected_(std::move(other.expected_)),
        take_pushed_(std::move(other.take_pushed_)),
        frame_(std::move(other.frame_)) {}
  Wire& operator=(Wire&&) = delete;
  ~Wire();

  void send_bytes(ByteSpan bytes);
  void send_bytes(std::string_view text) { send_bytes(base::as_bytes(text)); }

  // No more from us; the other direction stays open.
  void shut_down_sending();

  // Sends a request whose answer is to be received later. Returns its correlation id.
  template <protocol::Message Request>
  std::int32_t send(const Request& request, Version version = Request::versions.last) {
    const std::int32_t id = send_unanswered(request, version);
    expected_.push_back({id, Request::api_key, version});
    return id;
  }

  // Sends a request to which no answer comes (Produce with acks=0).
  template <protocol::Message Request>
  std::int32_t send_unanswered(const Request& request, Version version = Request::versions.last) {
    const std::int32_t id = next_correlation_id_++;
    send_bytes(frame_of(request, version, id));
    return id;
  }

  // The answer to the oldest request not answered. Records in it are valid until the next receive.
  template <protocol::Message Response>
  Response receive(milliseconds limit = patience) {
    Response response;
    const Expected expected = next_expected(Response::api_key);
    read_into(response, expected, limit);
    return response;
  }

  template <protocol::Message Request>
  AnswerTo<Request> call(const Request& request, Version version = Request::versions.last) {
    send(request, version);
    return receive<AnswerTo<Request>>();
  }

  // What a TCP channel brings (protocol::push_correlation_id) between answers; the bytes are valid during the call.
  void on_pushed(std::function<void(ByteSpan messages)> take) { take_pushed_ = std::move(take); }

  // Takes one frame that is no answer. False: none within `limit`.
  bool receive_pushed(milliseconds limit);

  // A whole frame without its size, correlation id first; valid until the next receive.
  ByteSpan receive_frame(milliseconds limit = patience);

  // Any bytes that are there, at most `count`, after waiting for the first; none: closed by the broker.
  std::vector<std::byte> receive_some(std::size_t count, milliseconds limit = patience);

  // Waits for the broker to close the connection; false if it sends something or `limit` is over.
  bool is_closed(milliseconds limit = patience);

  // Nothing comes within `span`: no bytes, no close.
  bool is_quiet(milliseconds span);

  int descriptor() const { return descriptor_; }

 private:
  struct Expected {
    std::int32_t correlation_id;
    ApiKey api_key;
    Version version;
  };

  Expected next_expected(ApiKey key);
  ByteSpan receive_body(const Expected& expected, milliseconds limit);
  template <protocol::Message Response>
  void read_into(Response& response, const Expected& expected, milliseconds limit);
  bool await_readable(milliseconds limit) const;
  bool take_if_pushed(ByteSpan frame);

  int descriptor_ = -1;
  std::int32_t next_correlation_id_ = 1;
  std::deque<Expected> expected_;
  std::function<void(ByteSpan)> take_pushed_;
  std::vector<std::byte> frame_;
};

// The shortest way to see that the broker serves.
protocol::ApiVersionsResponse ask_versions(Wire& wire, Version version = 3);
bool serves(std::uint16_t port);

}  // namespace cms::tests
