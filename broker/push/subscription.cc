// SPDX-License-Identifier: Apache-2.0
#include "broker/push/subscription.h"

#include <algorithm>
#include <set>

#include "broker/push/access.h"
#include "broker/push/session.h"

namespace cms::broker::push {

using protocol::StartAt;

Subscription::~Subscription() = default;

bool Subscription::wants(std::int32_t partition) const {
  return settings_.partitions.empty() || std::ranges::binary_search(settings_.partitions, partition);
}

bool Subscription::open(const TopicHandle& topic) {
  for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
    if (!add(topic, static_cast<std::int32_t>(i), false)) return false;
  }
  return true;
}

void Subscription::joined(const TopicHandle& topic, std::int32_t first_partition) {
  for (auto i = static_cast<std::size_t>(first_partition); i < topic->partitions.size(); ++i) {
    if (!add(topic, static_cast<std::int32_t>(i), true)) return session_.streams_are_full();
  }
}

// False: there is no room for one more stream.
bool Subscription::add(const TopicHandle& topic, std::int32_t partition, bool is_new) {
  const PartitionId id{topic->id(), partition};
  if (!wants(partition) || streams_.contains(id) || !may_read(session_.peer(), *topic)) return true;
  Stream* const stream = session_.make_stream(*this, topic, partition);
  if (stream == nullptr) return false;
  streams_.emplace(id, stream);
  if (const auto resumed = settings_.resume.find(id); resumed != settings_.resume.end()) {
    stream->begin(std::max(resumed->second, Offset{0}));  // what is gone meanwhile is told as a gap
  } else if (is_new) {
    place(*stream, StartAt::earliest, 0);
  } else {
    place(*stream, settings_.start, settings_.start_value);
  }
  return true;
}

void Subscription::place(Stream& stream, StartAt start, std::int64_t value) {
  const Positions positions = stream.partition()->positions();
  if (start == StartAt::committed) {
    const auto committed = settings_.committed.find({stream.topic().name(), stream.index()});
    if (committed == settings_.committed.end()) {
      start = value == 1 ? StartAt::earliest : StartAt::live;
    } else {
      return stream.begin(std::max(committed->second, Offset{0}));  // as above
    }
  }
  switch (start) {
    case StartAt::earliest:
      return stream.begin(positions.start);
    case StartAt::offset:
      return stream.begin(std::max(value, positions.start));
    case StartAt::time:
      return session_.locate(stream, value);
    case StartAt::live:
    case StartAt::committed:
      break;
  }
  stream.begin(positions.stable);
}

bool Subscription::seek(const std::vector<std::int32_t>& streams, StartAt start, std::int64_t value) {
  std::vector<std::pair<PartitionId, Stream*>> moved;
  for (const auto& [id, stream] : streams_) {
    if (streams.empty() || std::ranges::count(streams, static_cast<std::int32_t>(stream->number())) > 0) {
      moved.emplace_back(id, stream);
    }
  }
  if (!streams.empty() && moved.size() != std::set(streams.begin(), streams.end()).size()) return false;
  for (const auto& [id, stream] : moved) {
    std::erase(starved_, stream);
    Stream* const next = session_.replace_stream(*this, *stream);
    streams_[id] = next;
    place(*next, start, value);
  }
  return true;
}

void Subscription::close(ErrorCode why) {
  starved_.clear();
  for (const auto& [id, stream] : std::exchange(streams_, {})) stream->close(why);
}

void Subscription::forget(Stream& stream) {
  std::erase(starved_, &stream);
  streams_.erase({stream.topic().id(), stream.index()});
}

std::size_t Subscription::credit_left() const {
  if (settings_.bytes_in_flight_max == 0) return std::numeric_limits<std::size_t>::max();
  const std::uint64_t in_flight = sent_bytes_ - done_bytes_;
  return in_flight >= settings_.bytes_in_flight_max
             ? 0
             : static_cast<std::size_t>(settings_.bytes_in_flight_max - in_flight);
}

void Subscription::starved(Stream& stream) {
  if (!std::exchange(stream.is_starved, true)) starved_.push_back(&stream);
}

bool Subscription::credit(std::uint64_t bytes) {
  if (bytes < done_bytes_ || bytes > sent_bytes_) return false;
  done_bytes_ = bytes;
  for (Stream* const stream : starved_) {
    stream->is_starved = false;
    session_.list(*stream);
  }
  starved_.clear();
  return true;
}

}  // namespace cms::broker::push
