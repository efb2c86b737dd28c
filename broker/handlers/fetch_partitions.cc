// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/fetch_partitions.h"

#include <functional>

#include "base/check.h"

namespace cms::broker {

namespace {

// A list that was once longer does not keep its memory for the next, ordinary ones.
constexpr std::size_t slots_kept_max = 4096;

}  // namespace

std::size_t FetchPartitions::hash(const Key& key) {
  const std::size_t topic = std::hash<std::string_view>{}(key.topic) ^ std::hash<base::Uuid>{}(key.topic_id);
  return topic + 0x9e3779b97f4a7c15u * static_cast<std::size_t>(key.partition + 1);
}

std::uint32_t FetchPartitions::find(const Key& key) const {
  const auto [from, to] = index_.equal_range(hash(key));
  for (auto at = from; at != to; ++at) {
    const FetchPartition& found = slots_[at->second];
    if (found.partition == key.partition && found.topic_id == key.topic_id && found.topic == key.topic) {
      return at->second;
    }
  }
  return none;
}

void FetchPartitions::assign(const protocol::FetchRequest& request, bool indexed) {
  clear();
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) set(topic, partition, indexed);
  }
}

void FetchPartitions::update(const protocol::FetchRequest& request) {
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) set(topic, partition, true);
  }
  for (const auto& topic : request.forgotten_topics_data) {
    for (const std::int32_t partition : topic.partitions) remove({topic.topic, topic.topic_id, partition});
  }
}

void FetchPartitions::set(const protocol::FetchRequest::Topic& topic,
                          const protocol::FetchRequest::Partition& partition, bool indexed) {
  const Key key{topic.topic, topic.topic_id, partition.partition};
  std::uint32_t slot = indexed ? find(key) : none;
  if (slot == none) {
    slot = take_slot();
    FetchPartition& fresh = slots_[slot];
    fresh.topic = topic.topic;
    fresh.topic_id = topic.topic_id;
    fresh.partition = partition.partition;
    fresh.told_high_watermark_ = -1;
    fresh.told_log_start_offset_ = -1;
    fresh.rotate_ = false;
    ++size_;
    link_last(slot);
    if (indexed) index_.emplace(hash(key), slot);
  }
  FetchPartition& wanted = slots_[slot];
  if (wanted.rests_) wake_up(slot);
  wanted.fetch_offset = partition.fetch_offset;
  wanted.bytes_max = partition.partition_max_bytes;
  wanted.current_leader_epoch = partition.current_leader_epoch;
  wanted.last_fetched_epoch = partition.last_fetched_epoch;
}

void FetchPartitions::remove(const Key& key) {
  const auto [from, to] = index_.equal_range(hash(key));
  const std::uint32_t slot = find(key);
  if (slot == none) return;
  for (auto at = from; at != to; ++at) {
    if (at->second != slot) continue;
    index_.erase(at);
    break;
  }
  if (slots_[slot].rests_) wake_up(slot);
  unlink(slot);
  --size_;
  slots_[slot].next_ = free_;
  free_ = slot;
}

void FetchPartitions::rest(FetchPartition& wanted, FetchNews& news, Partition& partition, Offset stable, Offset start) {
  const auto slot = static_cast<std::uint32_t>(&wanted - slots_.data());
  if (wanted.watch_ == nullptr) wanted.watch_ = std::make_unique<PartitionWatch>(news, slot);
  if (!wanted.watch_->start(partition, stable, start)) return;
  wanted.rests_ = true;
  unlink(slot);
}

void FetchPartitions::wake(FetchNews& news) {
  while (PartitionWatch* const watch = news.take()) wake_up(watch->slot());
}

void FetchPartitions::wake_up(std::uint32_t slot) {
  slots_[slot].watch_->stop();
  slots_[slot].rests_ = false;
  link_last(slot);
}

void FetchPartitions::rotate_marked() {
  const std::uint32_t last_before = last_;
  for (std::uint32_t slot = first_; slot != none;) {
    const std::uint32_t next = slots_[slot].next_;
    if (slots_[slot].rotate_) {
      slots_[slot].rotate_ = false;
      unlink(slot);
      link_last(slot);
    }
    if (slot == last_before) break;
    slot = next;
  }
}

std::uint32_t FetchPartitions::take_slot() {
  if (free_ != none) {
    const std::uint32_t slot = free_;
    free_ = slots_[slot].next_;
    return slot;
  }
  CHECK(slots_.size() < none);
  slots_.emplace_back();
  return static_cast<std::uint32_t>(slots_.size() - 1);
}

void FetchPartitions::link_last(std::uint32_t slot) {
  slots_[slot].previous_ = last_;
  slots_[slot].next_ = none;
  (last_ == none ? first_ : slots_[last_].next_) = slot;
  last_ = slot;
  ++awake_;
}

void FetchPartitions::unlink(std::uint32_t slot) {
  const auto [previous, next] = std::pair(slots_[slot].previous_, slots_[slot].next_);
  (previous == none ? first_ : slots_[previous].next_) = next;
  (next == none ? last_ : slots_[next].previous_) = previous;
  --awake_;
}

void FetchPartitions::clear() {
  if (slots_.size() > slots_kept_max) slots_ = std::vector<FetchPartition>();
  index_.clear();
  first_ = last_ = none;
  size_ = awake_ = 0;
  // All slots become free, the first one on top, so that the same request finds its strings' memory again.
  free_ = none;
  for (std::size_t slot = slots_.size(); slot-- > 0;) {
    slots_[slot].watch_.reset();
    slots_[slot].rests_ = false;
    slots_[slot].next_ = free_;
    free_ = static_cast<std::uint32_t>(slot);
  }
}

}  // namespace cms::broker
