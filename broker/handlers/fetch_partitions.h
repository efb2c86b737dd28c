// SPDX-License-Identifier: Apache-2.0
// The partitions a fetch asks for, in the order in which they are served.
//
// One that had nothing to be told rests, until it has news or the request names it: an iteration passes it over, so
// that a fetch of thousands costs what those few cost in which something happens.
//
// One thread at a time. Refilled with the same number of partitions it allocates nothing, and a change of one that is
// there already never does, but for the first rest of each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/uuid.h"
#include "broker/handlers/fetch_news.h"
#include "protocol/messages/fetch.h"

namespace cms::broker {

struct FetchPartition {
  std::string topic;    // by name: until version 12
  base::Uuid topic_id;  // by id: from version 13 on
  std::int32_t partition = 0;
  std::int64_t fetch_offset = 0;
  std::int32_t bytes_max = 0;
  std::int32_t current_leader_epoch = -1;
  std::int32_t last_fetched_epoch = -1;

 private:
  friend class FetchPartitions;
  friend class FetchContext;

  // What the client was told last; -1: whatever comes is news to it.
  std::int64_t told_high_watermark_ = -1;
  std::int64_t told_log_start_offset_ = -1;
  bool rotate_ = false;  // records were returned: to go to the end
  bool rests_ = false;
  std::unique_ptr<PartitionWatch> watch_;  // of its last rest

  std::uint32_t previous_ = 0;
  std::uint32_t next_ = 0;
};

class FetchPartitions {
  static constexpr std::uint32_t none = UINT32_MAX;

 public:
  class Iterator {
   public:
    FetchPartition& operator*() const { return owner_->slots_[at_]; }
    FetchPartition* operator->() const { return &**this; }
    Iterator& operator++() {
      at_ = owner_->slots_[at_].next_;
      return *this;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    friend class FetchPartitions;
    Iterator(FetchPartitions* owner, std::uint32_t at) : owner_(owner), at_(at) {}

    FetchPartitions* owner_;
    std::uint32_t at_;
  };

  // Those that do not rest.
  Iterator begin() { return {this, first_}; }
  Iterator end() { return {this, none}; }
  std::size_t awake() const { return awake_; }

  // Of all.
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Exactly what the request lists. With `indexed` a partition listed twice is there once, as listed last, and the
  // functions below may be used.
  void assign(const protocol::FetchRequest& request, bool indexed);

  // Changes those listed that are there and appends the others; then removes those to forget.
  void update(const protocol::FetchRequest& request);

  // Those with rotate_ set go to the end, in their order; the marks are taken off.
  void rotate_marked();

  // It rests if the partition is still at `stable` and `start`. Nothing is to be told of it: the reader is at `stable`.
  void rest(FetchPartition& wanted, FetchNews& news, Partition& partition, Offset stable, Offset start);

  // Those with news rest no longer, and go to the end.
  void wake(FetchNews& news);

 private:
  struct Key {
    std::string_view topic;
    const base::Uuid& topic_id;
    std::int32_t partition;
  };

  static std::size_t hash(const Key& key);
  std::uint32_t find(const Key& key) const;
  void set(const protocol::FetchRequest::Topic& topic, const protocol::FetchRequest::Partition& partition,
           bool indexed);
  void remove(const Key& key);
  void wake_up(std::uint32_t slot);
  std::uint32_t take_slot();
  void link_last(std::uint32_t slot);
  void unlink(std::uint32_t slot);
  void clear();

  std::vector<FetchPartition> slots_;  // in use and free ones; a free one's next_ is the next free one
  std::uint32_t free_ = none;
  std::uint32_t first_ = none;
  std::uint32_t last_ = none;
  std::size_t awake_ = 0;
  std::size_t size_ = 0;
  std::unordered_multimap<std::size_t, std::uint32_t> index_;  // from a key's hash
};

}  // namespace cms::broker
