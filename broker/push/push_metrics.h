// SPDX-License-Identifier: Apache-2.0
// Counters of all channels of the broker.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "transport/channel.h"

namespace cms::broker::push {

inline constexpr std::size_t channel_kinds = 3;

// One channel, for who looks at the broker from outside. Written by its session, now and then; read by any thread.
struct ChannelFigures {
  ChannelFigures(std::string id, std::string from, transport::ChannelKind k, std::uint64_t n, std::size_t ring)
      : client_id(std::move(id)), address(std::move(from)), kind(k), number(n), ring_bytes(ring) {}

  const std::string client_id;
  const std::string address;
  const transport::ChannelKind kind;
  const std::uint64_t number;  // of the session
  const std::size_t ring_bytes;
  // Written by the session's core alone, as add_as_only_writer() does.
  std::atomic<std::uint64_t> records{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> puts{0};
  std::atomic<std::int64_t> lag{0};    // records stable and not sent
  std::atomic<std::uint64_t> room{0};  // bytes the channel would take
  std::atomic<std::uint64_t> streams{0};
  std::atomic<std::uint64_t> subscriptions{0};
};

// Without the locked instruction that several writers would need.
inline void add_as_only_writer(std::atomic<std::uint64_t>& to, std::uint64_t amount) {
  to.store(to.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

// Any thread.
class PushMetrics {
 public:
  // At most so many channels have lines of their own in the exposition.
  static constexpr std::size_t channels_shown_max = 256;

  explicit PushMetrics(base::Registry& registry);

  base::Gauge& channels(transport::ChannelKind kind) { return *channels_[static_cast<std::size_t>(kind)]; }

  base::Gauge& subscriptions;
  base::Gauge& streams;
  base::Gauge& publications;
  base::Counter& pushed_records;
  base::Counter& pushed_bytes;
  base::Counter& in_place_bytes;  // of these, not copied
  base::Counter& shared_chunks;
  base::Counter& gaps;
  base::Counter& ring_full;
  base::Counter& puts;
  base::Counter& refused_puts;
  base::Counter& cold_reads;
  base::Counter& ended_for_violation;

  void add(const std::shared_ptr<ChannelFigures>& figures);
  void remove(const std::shared_ptr<ChannelFigures>& figures);

  // Of all channels, in no order.
  std::vector<std::shared_ptr<ChannelFigures>> all() const;

 private:
  void print(std::string& text) const;

  std::array<base::Gauge*, channel_kinds> channels_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<ChannelFigures>> figures_;  // mutex_
};

}  // namespace cms::broker::push
