// SPDX-License-Identifier: Apache-2.0
#include "tests/push_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <stdexcept>

#include "transport/pass_descriptors.h"
#include "transport/shared_memory_channel.h"

namespace cms::tests {

namespace messages = protocol::push;

namespace {

using Clock = std::chrono::steady_clock;

std::unique_ptr<transport::Channel> fetch_rings(const protocol::OpenChannelResponse& opened) {
  Wire meeting(opened.endpoint);
  meeting.send_bytes(ByteSpan(opened.token.bytes));
  std::byte payload[1];
  const auto deadline = Clock::now() + patience;
  while (Clock::now() < deadline) {
    pollfd readable{meeting.descriptor(), POLLIN, 0};
    ::poll(&readable, 1, 100);
    auto passed = transport::receive_descriptors(meeting.descriptor(), payload,
                                                 transport::SharedMemoryChannel::descriptors_passed);
    if (!passed && passed.error().kind() == base::ErrorKind::busy) continue;
    if (!passed) throw std::runtime_error("no rings: " + passed.error().message());
    auto channel =
        transport::SharedMemoryChannel::attach({std::move(passed->descriptors[0]), std::move(passed->descriptors[1])},
                                               static_cast<std::size_t>(opened.ring_bytes));
    if (!channel) throw std::runtime_error("no rings: " + channel.error().message());
    return std::move(*channel);
  }
  throw std::runtime_error("no rings in time");
}

}  // namespace

PushClient::PushClient(BrokerProcess& broker, Options options) : wire_(broker.port(), options.receive_window) {
  wire_.on_pushed([this](ByteSpan bytes) {
    while (bytes.size() >= 4) {
      std::uint32_t length;
      std::memcpy(&length, bytes.data(), sizeof length);
      if (length > bytes.size() - 4) throw std::runtime_error("a message that is longer than its frame");
      received(bytes.subspan(4, length));
      bytes = bytes.subspan(4 + length);
    }
  });
  opened_ = wire_.call(protocol::OpenChannelRequest{.kind = static_cast<std::int8_t>(options.kind),
                                                    .layout_version = messages::layout_version,
                                                    .ring_bytes = options.ring_bytes,
                                                    .heartbeat_ms = options.heartbeat_ms});
  if (opened_.error_code == ErrorCode::none && options.kind == ChannelKind::shared_memory) {
    channel_ = fetch_rings(opened_);
  }
}

PushClient::~PushClient() = default;

protocol::SubscribeResponse PushClient::subscribe(const std::string& topics, protocol::StartAt start,
                                                  std::int64_t value, protocol::TopicMatch match) {
  protocol::SubscribeRequest request;
  request.subscription = 1;
  request.match = match;
  request.topics = topics;
  request.start = start;
  request.start_value = value;
  return subscribe(request);
}

protocol::OpenPublicationResponse PushClient::publish_to(std::int32_t publication, const std::string& topic,
                                                         bool create) {
  return wire_.call(protocol::OpenPublicationRequest{.publication = publication, .topic = topic, .create = create});
}

std::uint64_t PushClient::put(std::int32_t publication, ByteSpan batch, std::int32_t partition, std::uint16_t flags) {
  messages::Put put;
  put.flags = flags;
  put.publication = static_cast<std::uint32_t>(publication);
  put.put_id = ++last_put_;
  put.partition = partition;
  put.batch_bytes = static_cast<std::uint32_t>(batch.size());
  const std::size_t message_bytes_max =
      channel_ != nullptr ? channel_->message_bytes_max() : static_cast<std::size_t>(opened_.ring_bytes) / 4;
  std::size_t sent = 0;
  do {
    const std::size_t size = std::min(batch.size() - sent, message_bytes_max - sizeof put);
    put.piece_offset = static_cast<std::uint32_t>(sent);
    send({messages::bytes_of(put), batch.subspan(sent, size)});
    sent += size;
  } while (sent < batch.size());
  return put.put_id;
}

void PushClient::send(std::initializer_list<ByteSpan> parts) {
  if (channel_ != nullptr) {
    std::vector<base::Bytes> message;
    for (const ByteSpan part : parts) message.emplace_back(nullptr, part);
    const bool taken = await([&] { return channel_->offer(message) != transport::Offered::full; });
    if (!taken) throw std::runtime_error("the broker takes no messages");
    return channel_->flush();
  }
  std::vector<std::byte> framed(4);
  for (const ByteSpan part : parts) framed.insert(framed.end(), part.begin(), part.end());
  const auto length = static_cast<std::uint32_t>(framed.size() - 4);
  std::memcpy(framed.data(), &length, sizeof length);
  wire_.send_unanswered(protocol::ChannelMessagesRequest{.messages = ByteSpan(framed)});
}

void PushClient::give_credit(std::int32_t subscription, std::uint64_t bytes) {
  messages::Credit credit;
  credit.subscription = static_cast<std::uint32_t>(subscription);
  credit.bytes = bytes;
  send({messages::bytes_of(credit)});
}

void PushClient::beat() { send({messages::bytes_of(messages::Heartbeat{})}); }

PushClient::Stream* PushClient::find(const std::string& topic, std::int32_t partition) {
  Stream* found = nullptr;
  for (auto& [number, stream] : streams) {
    if (stream.topic == topic && stream.partition == partition) found = &stream;
  }
  return found;
}

std::vector<std::string> PushClient::values(const std::string& topic, std::int32_t partition) {
  std::vector<std::string> values;
  if (const Stream* const stream = find(topic, partition)) {
    for (const ReadRecord& record : stream->records) values.push_back(record.value);
  }
  return values;
}

bool PushClient::receive(milliseconds limit) {
  if (channel_ == nullptr) return wire_.receive_pushed(limit);
  const auto polled = channel_->poll(*this, 64);
  if (!polled) {
    closed_ = true;
    return false;
  }
  if (*polled > 0) return true;
  if (channel_->prepare_to_sleep()) {
    pollfd readable{channel_->wake_descriptor(), POLLIN, 0};
    ::poll(&readable, 1, static_cast<int>(limit.count()));
  }
  channel_->awake();
  return true;
}

bool PushClient::await(const std::function<bool()>& done, milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  while (!done()) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
    if (left.count() <= 0 || closed_) return false;
    receive(std::min(left, milliseconds(50)));
  }
  return true;
}

bool PushClient::await_values(const std::string& topic, const std::vector<std::string>& expected,
                              std::int32_t partition) {
  return await([&] {
    const Stream* const stream = find(topic, partition);
    return stream != nullptr && stream->records.size() >= expected.size() && values(topic, partition) == expected;
  });
}

bool PushClient::await_result(std::uint64_t put_id, ErrorCode error) {
  const auto has_it = [&] {
    return std::ranges::any_of(results, [&](const auto& result) { return result.put_id == put_id; });
  };
  if (!await(has_it)) return false;
  const auto found = std::ranges::find(results, put_id, &messages::PutResult::put_id);
  return found->error == static_cast<std::int16_t>(error);
}

void PushClient::listen(milliseconds span) {
  await([] { return false; }, span);
}

bool PushClient::is_closed() {
  try {
    const auto deadline = Clock::now() + patience;
    while (Clock::now() < deadline) {
      if (closed_) return true;
      receive(milliseconds(50));
    }
  } catch (const std::exception&) {  // the connection is
    return true;
  }
  return false;
}

PushClient::Stream* PushClient::stream_of(std::uint32_t number) {
  const auto found = streams.find(number);
  if (found == streams.end() || found->second.closed) {
    wrong.push_back("a message for stream " + std::to_string(number) + ", which is not open");
    return nullptr;
  }
  return &found->second;
}

void PushClient::received(ByteSpan message) {
  // In shared memory nobody writes to it: the broker is not hostile here.
  switch (messages::type_of(message).value()) {
    case messages::MessageType::stream_opened: {
      const auto opened = messages::header_of<messages::StreamOpened>(message).value();
      Stream& stream = streams[opened.stream];
      if (!stream.topic.empty()) wrong.push_back("a stream opened twice");
      stream.number = opened.stream;
      stream.subscription = static_cast<std::int32_t>(opened.subscription);
      stream.topic = base::as_text(message.subspan(sizeof opened, opened.name_bytes));
      std::ranges::copy(opened.topic_id, stream.topic_id.bytes.begin());
      stream.partition = opened.partition;
      stream.opened_at = stream.next = opened.next_offset;
      return;
    }
    case messages::MessageType::stream_closed: {
      const auto closed = messages::header_of<messages::StreamClosed>(message).value();
      if (Stream* const stream = stream_of(closed.stream)) stream->closed = static_cast<ErrorCode>(closed.error);
      return;
    }
    case messages::MessageType::gap: {
      const auto gap = messages::header_of<messages::Gap>(message).value();
      Stream* const stream = stream_of(gap.stream);
      if (stream == nullptr) return;
      if (gap.from != stream->next || gap.to <= gap.from) wrong.push_back("a gap that is none");
      stream->gaps.push_back({gap.from, gap.to});
      stream->next = gap.to;
      return;
    }
    case messages::MessageType::put_result:
      return results.push_back(messages::header_of<messages::PutResult>(message).value());
    case messages::MessageType::heartbeat:
      ++heartbeats;
      return;
    case messages::MessageType::deliver:
      return take(messages::header_of<messages::Deliver>(message).value(), message.subspan(sizeof(messages::Deliver)));
    default:
      wrong.push_back("a message of an unexpected type");
  }
}

void PushClient::take(const messages::Deliver& header, ByteSpan bytes) {
  Stream* const stream = stream_of(header.stream);
  if (stream == nullptr) return;
  stream->bytes += bytes.size();
  if (header.piece_offset == 0 && bytes.size() == header.total_bytes) return take_batches(*stream, bytes);
  if (header.piece_offset != stream->pieces.size()) wrong.push_back("a piece that does not fit the last one");
  stream->pieces.insert(stream->pieces.end(), bytes.begin(), bytes.end());
  if (stream->pieces.size() < header.total_bytes) return;
  take_batches(*stream, stream->pieces);
  stream->pieces.clear();
}

void PushClient::take_batches(Stream& stream, ByteSpan batches) {
  for (ReadRecord& record : records_in(batches)) {
    if (record.offset < stream.next) continue;
    if (record.offset != stream.next && stream.gaps.empty()) wrong.push_back("an offset is missing");
    stream.next = record.offset + 1;
    stream.records.push_back(std::move(record));
  }
}

}  // namespace cms::tests
