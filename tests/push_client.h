// SPDX-License-Identifier: Apache-2.0
// A native client with nothing in between: requests on a connection, messages on a channel, both as they are on the
// wire. Keeps what it is told per stream.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/messages/native.h"
#include "protocol/push/messages.h"
#include "tests/broker_process.h"
#include "tests/requests.h"
#include "tests/wire.h"
#include "transport/channel.h"

namespace cms::tests {

using transport::ChannelKind;

class PushClient : private transport::MessageReceiver {
 public:
  struct Options {
    ChannelKind kind = ChannelKind::tcp;
    std::int32_t ring_bytes = 0;
    std::int32_t heartbeat_ms = 0;
    int receive_window = 0;  // TCP
  };

  struct Gap {
    Offset from = 0;
    Offset to = 0;
    bool operator==(const Gap&) const = default;
  };

  struct Stream {
    std::uint32_t number = 0;
    std::int32_t subscription = 0;
    std::string topic;
    base::Uuid topic_id;
    std::int32_t partition = 0;
    Offset opened_at = 0;
    Offset next = 0;
    std::vector<ReadRecord> records;
    std::vector<Gap> gaps;
    std::optional<ErrorCode> closed;
    std::uint64_t bytes = 0;
    Batch pieces;  // of a batch that is not whole yet
  };

  PushClient(BrokerProcess& broker, Options options);
  ~PushClient() override;

  Wire& wire() { return wire_; }
  const protocol::OpenChannelResponse& opened() const { return opened_; }
  transport::Channel* channel() { return channel_.get(); }  // null: TCP

  // --- Subscribing.
  protocol::SubscribeResponse subscribe(protocol::SubscribeRequest request) { return wire_.call(request); }
  protocol::SubscribeResponse subscribe(const std::string& topics, protocol::StartAt start = protocol::StartAt::live,
                                        std::int64_t value = 0,
                                        protocol::TopicMatch match = protocol::TopicMatch::exact);

  // --- Putting. Returns the put's id.
  protocol::OpenPublicationResponse publish_to(std::int32_t publication, const std::string& topic, bool create = true);
  std::uint64_t put(std::int32_t publication, ByteSpan batch, std::int32_t partition = 0, std::uint16_t flags = 0);

  // Any message.
  void send(std::initializer_list<ByteSpan> parts);

  void give_credit(std::int32_t subscription, std::uint64_t bytes);
  void beat();

  // --- What has come. By stream's number.
  std::map<std::uint32_t, Stream> streams;
  std::vector<protocol::push::PutResult> results;
  std::size_t heartbeats = 0;
  std::vector<std::string> wrong;  // what must not have come

  // The stream of a partition that was opened last; null when there is none.
  Stream* find(const std::string& topic, std::int32_t partition = 0);
  std::vector<std::string> values(const std::string& topic, std::int32_t partition = 0);

  // Takes messages until it is so; false when it is not within `limit`.
  bool await(const std::function<bool()>& done, milliseconds limit = patience);
  bool await_values(const std::string& topic, const std::vector<std::string>& expected, std::int32_t partition = 0);
  bool await_result(std::uint64_t put_id, ErrorCode error = ErrorCode::none);

  // Takes what comes within a span.
  void listen(milliseconds span);

  bool is_closed();

 private:
  void received(ByteSpan message) override;
  void take(const protocol::push::Deliver& header, ByteSpan bytes);
  void take_batches(Stream& stream, ByteSpan batches);
  Stream* stream_of(std::uint32_t number);
  bool receive(milliseconds limit);

  Wire wire_;
  protocol::OpenChannelResponse opened_;
  std::unique_ptr<transport::Channel> channel_;  // null: TCP
  std::uint64_t last_put_ = 0;
  bool closed_ = false;
};

}  // namespace cms::tests
