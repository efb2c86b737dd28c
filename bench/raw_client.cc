// SPDX-License-Identifier: Apache-2.0
#include "bench/raw_client.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "base/crc32c.h"

namespace cms::bench {

namespace {

constexpr std::chrono::milliseconds answer_timeout{30'000};
constexpr std::int32_t broker_timeout_ms = 10'000;
constexpr std::int32_t fetch_wait_ms = 5'000;
constexpr std::int16_t topic_exists = 36;
constexpr std::size_t fetch_offset_from_end = sizeof(std::int64_t) + sizeof(std::int32_t);

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

template <typename T>
T or_die(base::Result<T> result) {
  if (!result) die(result.error().message());
  return std::move(*result);
}

WireWriter request(Api api, std::int16_t version) {
  WireWriter out;
  out.number(static_cast<std::int16_t>(api)).number(version).number(std::int32_t{7}).string("bench");
  return out;
}

void append_varint(std::string& to, std::int64_t value) {
  auto zigzag = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  for (; zigzag > 0x7f; zigzag >>= 7) to.push_back(static_cast<char>(zigzag | 0x80));
  to.push_back(static_cast<char>(zigzag));
}

std::string record(std::int32_t offset_delta, std::string_view value) {
  std::string body;
  body.push_back(0);  // attributes
  append_varint(body, 0);
  append_varint(body, offset_delta);
  append_varint(body, -1);  // no key
  append_varint(body, static_cast<std::int64_t>(value.size()));
  body += value;
  append_varint(body, 0);  // no headers
  std::string framed;
  append_varint(framed, static_cast<std::int64_t>(body.size()));
  return framed + body;
}

// Not compressible, and the same in every run.
std::string noise(std::size_t size) {
  std::string text(size, '\0');
  std::uint64_t state = 88172645463325252u;
  for (char& byte : text) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    byte = static_cast<char>(state);
  }
  return text;
}

}  // namespace

std::string record_batch(std::int32_t count, std::size_t size) {
  const std::string value = noise(size);
  const std::int64_t now_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  WireWriter checked;
  checked.number(std::int16_t{0}).number(count - 1).number(now_ms).number(now_ms);
  checked.number(std::int64_t{-1}).number(std::int16_t{-1}).number(std::int32_t{-1}).number(count);
  for (std::int32_t i = 0; i < count; ++i) checked.raw(record(i, value));
  const std::string body = checked.finish().substr(sizeof(std::int32_t));
  WireWriter batch;
  batch.number(std::int64_t{0}).number(static_cast<std::int32_t>(body.size() + 9)).number(std::int32_t{-1});
  batch.number(std::int8_t{2}).number(base::crc32c(base::as_bytes(body))).raw(body);
  return batch.finish().substr(sizeof(std::int32_t));
}

std::string produce_frame(std::string_view topic, std::int16_t acks, std::string_view batch, std::int32_t partition) {
  WireWriter out = request(Api::produce, 7);
  out.number(std::int16_t{-1}).number(acks).number(broker_timeout_ms).number(std::int32_t{1}).string(topic);
  out.number(std::int32_t{1}).number(partition).number(static_cast<std::int32_t>(batch.size())).raw(batch);
  return out.finish();
}

std::string create_topic_frame(std::string_view topic, std::int32_t partitions, const TopicConfigs& configs) {
  WireWriter out = request(Api::create_topics, 2);
  out.number(std::int32_t{1}).string(topic).number(partitions).number(std::int16_t{1}).number(std::int32_t{0});
  out.number(static_cast<std::int32_t>(configs.size()));
  for (const auto& [name, value] : configs) out.string(name).string(value);
  out.number(broker_timeout_ms).number(std::int8_t{0});
  return out.finish();
}

std::string fetch_frame(std::string_view topic, std::int64_t offset, std::int32_t bytes_max) {
  WireWriter out = request(Api::fetch, 4);
  out.number(std::int32_t{-1}).number(fetch_wait_ms).number(std::int32_t{1}).number(bytes_max).number(std::int8_t{0});
  out.number(std::int32_t{1}).string(topic).number(std::int32_t{1}).number(std::int32_t{0});
  out.number(offset).number(bytes_max);
  return out.finish();
}

void set_fetch_offset(std::string& frame, std::int64_t offset) {
  base::store_big(reinterpret_cast<std::byte*>(frame.data() + frame.size() - fetch_offset_from_end), offset);
}

ProduceReply parse_produce_reply(ByteSpan frame) {
  WireReader in(frame);
  in.number<std::int32_t>();  // correlation id
  in.number<std::int32_t>();
  in.string();
  in.number<std::int32_t>();
  in.number<std::int32_t>();
  ProduceReply reply;
  reply.error = in.number<std::int16_t>();
  reply.base_offset = in.number<std::int64_t>();
  if (!in.ok()) die("the answer to Produce is too short");
  return reply;
}

FetchReply parse_fetch_reply(ByteSpan frame) {
  WireReader in(frame);
  in.number<std::int32_t>();  // correlation id
  in.number<std::int32_t>();
  in.number<std::int32_t>();
  in.string();
  in.number<std::int32_t>();
  in.number<std::int32_t>();
  FetchReply reply;
  reply.error = in.number<std::int16_t>();
  reply.high_watermark = in.number<std::int64_t>();
  in.number<std::int64_t>();
  for (std::int32_t aborted = in.number<std::int32_t>(); aborted > 0 && in.ok(); --aborted) {
    in.number<std::int64_t>();
    in.number<std::int64_t>();
  }
  reply.records_bytes = in.bytes().size();
  if (!in.ok()) die("the answer to Fetch is too short");
  return reply;
}

RawClient::RawClient(const client::Address& address)
    : socket_(or_die(client::Socket::connect(address, answer_timeout))), name_(address.to_string()) {
  if (auto limited = socket_.set_timeout(answer_timeout); !limited) die(limited.error().message());
}

void RawClient::send(std::string_view frame) {
  if (auto sent = socket_.send(base::as_bytes(frame)); !sent) die(sent.error().while_doing(name_).message());
}

ByteSpan RawClient::receive() {
  auto frame = socket_.receive_frame();
  if (!frame) die(frame.error().while_doing(name_).message());
  return *frame;
}

ProduceReply RawClient::produce(std::string_view frame) {
  send(frame);
  return parse_produce_reply(receive());
}

std::int64_t RawClient::next_offset(std::string_view topic) {
  WireWriter out = request(Api::list_offsets, 1);
  out.number(std::int32_t{-1}).number(std::int32_t{1}).string(topic);
  out.number(std::int32_t{1}).number(std::int32_t{0}).number(std::int64_t{-1});
  send(out.finish());
  WireReader in(receive());
  in.number<std::int32_t>();  // correlation id
  in.number<std::int32_t>();
  in.string();
  in.number<std::int32_t>();
  in.number<std::int32_t>();
  const auto error = in.number<std::int16_t>();
  in.number<std::int64_t>();
  const auto offset = in.number<std::int64_t>();
  if (error != 0 || !in.ok())
    die(name_ + ": ListOffsets of " + std::string(topic) + ": error " + std::to_string(error));
  return offset;
}

void RawClient::create_topic(std::string_view topic, const TopicConfigs& configs) {
  send(create_topic_frame(topic, 1, configs));
  WireReader in(receive());
  in.number<std::int32_t>();  // correlation id
  in.number<std::int32_t>();
  in.number<std::int32_t>();
  in.string();
  const auto error = in.number<std::int16_t>();
  const std::string message(in.string());
  if ((error != 0 && error != topic_exists) || !in.ok())
    die(name_ + ": creating " + std::string(topic) + ": error " + std::to_string(error) + " " + message);
  const std::string first = produce_frame(topic, 1, record_batch(1, 1));
  constexpr int tries_max = 500;
  for (int tries = 0; produce(first).error != 0; ++tries) {
    if (tries == tries_max) die(name_ + ": " + std::string(topic) + " accepts no records");
    ::usleep(20'000);
  }
}

void RawClient::delete_topic(std::string_view topic) {
  WireWriter out = request(Api::delete_topics, 1);
  out.number(std::int32_t{1}).string(topic).number(broker_timeout_ms);
  send(out.finish());
  receive();
}

}  // namespace cms::bench
