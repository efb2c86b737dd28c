// SPDX-License-Identifier: Apache-2.0
#include "client/native/incoming.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "client/group_offsets.h"
#include "client/native/incoming_stream.h"

namespace cms::client {

namespace {

using protocol::ErrorCode;

protocol::StartAt start_at(cms::Start::At at) {
  switch (at) {
    case cms::Start::At::live:
      return protocol::StartAt::live;
    case cms::Start::At::earliest:
      return protocol::StartAt::earliest;
    case cms::Start::At::offset:
      return protocol::StartAt::offset;
    case cms::Start::At::time:
      return protocol::StartAt::time;
    case cms::Start::At::committed:
      return protocol::StartAt::committed;
  }
  return protocol::StartAt::live;
}

protocol::TopicMatch match_of(cms::Match match) {
  switch (match) {
    case cms::Match::exact:
      return protocol::TopicMatch::exact;
    case cms::Match::prefix:
      return protocol::TopicMatch::prefix;
    case cms::Match::pattern:
      return protocol::TopicMatch::pattern;
  }
  return protocol::TopicMatch::exact;
}

// After an answer that can only say yes or no.
template <typename Response>
cms::Result<void> checked(const cms::Result<Response>& answer, std::string_view doing) {
  if (!answer) return answer.error();
  if (answer->error_code != ErrorCode::none) return told(answer->error_code, answer->error_message, doing);
  return {};
}

cms::Error no_subscription(std::uint32_t number) {
  return {Code::not_found, "there is no subscription " + std::to_string(number), 0};
}

}  // namespace

Incoming::Incoming(std::shared_ptr<Link> link, cms::SubscriberOptions options)
    : link_(std::move(link)), options_(std::move(options)), walk_(options_.check_checksums) {
  link_->add(*this);
}

Incoming::~Incoming() {
  link_->remove(*this);
  while (!subscriptions_.empty()) (void)unsubscribe(subscriptions_.begin()->first);
}

cms::Result<std::uint32_t> Incoming::subscribe(const cms::Subscription& wanted) {
  if (wanted.bytes_in_flight_max > std::size_t{std::numeric_limits<std::int32_t>::max()})
    return cms::Error{Code::invalid, "bytes_in_flight_max: 2 GiB at most", 0};
  auto subscribed = std::make_unique<Subscribed>(*this, wanted);
  const std::uint32_t number = subscribed->number = link_->new_subscription(*subscribed);
  Subscribed& made = *(subscriptions_[number] = std::move(subscribed));
  if (const cms::Result<void> done = request(made); !done) {
    link_->forget_subscription(number);
    subscriptions_.erase(number);
    return done.error();
  }
  return number;
}

// Tells the broker of a subscription, with the places where it left off.
cms::Result<void> Incoming::request(Subscribed& subscribed) {
  const cms::Subscription& wanted = subscribed.wanted;
  protocol::SubscribeRequest request;
  request.subscription = static_cast<std::int32_t>(subscribed.number);
  request.match = match_of(wanted.match);
  request.topics = wanted.topics;
  request.partitions = wanted.partitions;
  request.start = start_at(wanted.start.at);
  request.start_value = wanted.start.value;
  request.group_id = wanted.start.group;
  request.bytes_in_flight_max = static_cast<std::int32_t>(wanted.bytes_in_flight_max);
  for (const auto& [key, left] : subscribed.left) request.resume.push_back({key.first, key.second, left.next_offset});
  subscribed.bytes_done = subscribed.bytes_told = 0;
  return checked(link_->call(request), "subscribing to " + wanted.topics);
}

cms::Result<void> Incoming::unsubscribe(std::uint32_t number) {
  const auto found = subscriptions_.find(number);
  if (found == subscriptions_.end()) return no_subscription(number);
  while (!found->second->streams.empty()) let_go(*found->second, found->second->streams.begin()->first)->wanted = false;
  link_->forget_subscription(number);
  ended_.push_back(std::move(found->second));
  subscriptions_.erase(found);
  if (link_->lost()) return {};  // and so it is gone there too
  protocol::UnsubscribeRequest request;
  request.subscription = static_cast<std::int32_t>(number);
  return checked(link_->call(request), "unsubscribing");
}

cms::Result<void> Incoming::seek(std::uint32_t number, const cms::Start& start) {
  const auto found = subscriptions_.find(number);
  if (found == subscriptions_.end()) return no_subscription(number);
  if (start.at == cms::Start::At::committed)
    return cms::Error{Code::invalid, "a seek cannot go to what a group has committed", 0};
  protocol::SeekRequest request;
  request.subscription = static_cast<std::int32_t>(number);
  request.start = start_at(start.at);
  request.start_value = start.value;
  const auto answer = link_->call(request);
  if (const cms::Result<void> done = checked(answer, "seeking"); !done) return done;
  Subscribed& subscribed = *found->second;
  subscribed.wanted.start = start;
  subscribed.first_stream = answer->first_stream;
  subscribed.left.clear();
  for (auto& [id, stream] : subscribed.streams) stream->wanted = false;
  return {};
}

// The stream may be in the middle of a call; it lives until the turn is over.
std::shared_ptr<Incoming::Stream> Incoming::let_go(Subscribed& subscribed, std::uint32_t number) {
  const auto found = subscribed.streams.find(number);
  CHECK(found != subscribed.streams.end());
  std::shared_ptr<Stream> stream = std::move(found->second);
  subscribed.streams.erase(found);
  link_->forget_stream(number);
  stream->subscribed = nullptr;
  closed_.push_back(stream);
  return stream;
}

void Incoming::show(const Stream& stream, const records::RecordView& record) {
  record_.topic = stream.topic;
  record_.partition = stream.partition;
  record_.offset = record.offset;
  record_.timestamp_ms = record.timestamp;
  record_.key = record.key ? std::optional<cms::View>(*record.key) : std::nullopt;
  record_.value = record.value ? std::optional<cms::View>(*record.value) : std::nullopt;
  record_.headers = cms::Headers(record.headers.bytes(), record.headers.size());
}

const cms::ReceivedRecord* Incoming::next_queued() {
  while (!queue_.empty()) {
    Queued& front = queue_.front();
    if (front.stream->wanted) {
      if (!std::exchange(walking_, true)) walk_.open(front.run);
      if (const records::RecordView* record = walk_.next(front.stream->next_offset)) {
        show(*front.stream, *record);
        return &record_;
      }
      if (!walk_.status()) front.stream->broke(walk_.status().error());
    }
    front.stream->done_with(front.run.size());
    walking_ = false;
    queue_.pop_front();
  }
  return nullptr;
}

// One message of the channel at a time, so that the queue stays as short as it can.
cms::Result<const cms::ReceivedRecord*> Incoming::next(std::chrono::milliseconds timeout) {
  if (!is_queueing()) return cms::Error{Code::invalid, "next() of a subscriber that has callbacks", 0};
  const SteadyTime deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    if (const cms::ReceivedRecord* record = next_queued()) return record;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    const cms::Result<std::size_t> polled = link_->poll(std::max(left, std::chrono::milliseconds(0)), 1);
    if (!polled) return polled.error();
    if (*polled == 0 && queue_.empty()) return nullptr;
  }
}

std::map<std::pair<std::string, std::int32_t>, std::int64_t> Incoming::positions() const {
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> positions;
  for (const auto& [number, subscribed] : subscriptions_) {
    for (const auto& [key, left] : subscribed->left) positions[{left.topic, key.second}] = left.next_offset;
    for (const auto& [id, stream] : subscribed->streams) {
      if (stream->wanted) positions[{stream->topic, stream->partition}] = stream->next_offset;
    }
  }
  return positions;
}

cms::Result<void> Incoming::commit(const std::string& group) {
  Cluster* const cluster = link_->cluster();
  if (cluster == nullptr) return Link::not_connected();
  PartitionOffsets offsets;
  for (const auto& [at, offset] : positions()) offsets[{at.first, at.second}] = offset;
  if (offsets.empty()) return {};
  const Result<void> committed = commit_offsets(*cluster, group, offsets);
  if (!committed) return link_->failed(committed.error());
  return {};
}

void Incoming::lost(const Error&) {
  for (auto& [number, subscribed] : subscriptions_) {
    subscribed->first_stream = 0;
    while (!subscribed->streams.empty()) {
      const std::shared_ptr<Stream> stream = let_go(*subscribed, subscribed->streams.begin()->first);
      if (std::exchange(stream->wanted, false))
        subscribed->left[{stream->topic_id, stream->partition}] = {stream->topic, stream->next_offset};
    }
  }
  queue_.clear();
  walking_ = false;
  closed_.clear();
  ended_.clear();
}

Result<void> Incoming::connected() {
  std::vector<std::uint32_t> refused;
  for (auto& [number, subscribed] : subscriptions_) {
    const cms::Result<void> done = request(*subscribed);
    if (done) continue;
    if (done.error().code == Code::lost || done.error().code == Code::timed_out)
      return Error(ErrorKind::io, done.error().message);
    refused.push_back(number);
    if (options_.on_closed) options_.on_closed({number, subscribed->wanted.topics, -1, -1, &done.error()});
  }
  for (const std::uint32_t number : refused) {
    link_->forget_subscription(number);
    subscriptions_.erase(number);
  }
  return {};
}

// What the callbacks are done with is told when it is worth a message.
void Incoming::turn(SteadyTime) {
  closed_.clear();
  ended_.clear();
  for (auto& [number, subscribed] : subscriptions_) {
    const std::size_t in_flight_max = subscribed->wanted.bytes_in_flight_max;
    if (in_flight_max == 0 || subscribed->bytes_done - subscribed->bytes_told < (in_flight_max + 3) / 4) continue;
    push::Credit credit;
    credit.subscription = number;
    credit.bytes = subscribed->bytes_done;
    if (link_->offer_header(credit) == transport::Offered::taken) subscribed->bytes_told = subscribed->bytes_done;
  }
}

}  // namespace cms::client
