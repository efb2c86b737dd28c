// SPDX-License-Identifier: Apache-2.0
// The clients that ask what to send of their metrics and send it (KIP-714), with the rules of when they may.
//
// Instances are forgotten after three push intervals of silence, one minute at least, or a minute after the push that a
// client has called its last; beyond clients_max those go first that are due first. Any thread; a lock is held for the
// bookkeeping, not while a push is decompressed and read.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/uuid.h"
#include "broker/telemetry/client_series.h"
#include "broker/telemetry/subscriptions.h"
#include "protocol/errors.h"

namespace cms::broker {

// What is asked of a client.
struct ClientTask {
  protocol::ErrorCode error = protocol::ErrorCode::none;
  base::Uuid client_instance_id;
  std::int32_t subscription_id = 0;
  MergedSubscription subscription;
};

struct ClientPush {
  std::int32_t subscription_id = 0;
  bool terminating = false;
  std::int8_t compression = 0;
  std::size_t bytes = 0;  // compressed
};

class ClientInstances {
 public:
  static constexpr std::size_t clients_max = 16'384;
  static constexpr std::size_t series_max = 20'000;                 // of all clients
  static constexpr std::size_t uncompressed_bytes_max = 16u << 20;  // of one push
  static constexpr std::chrono::seconds silence_least{60};

  // The codecs that a push may have, best first; none is always taken.
  static constexpr std::int8_t compressions[] = {4, 3, 1, 2};  // zstd, lz4, gzip, snappy

  // All outlive it. `push_bytes_max` is of a compressed push.
  ClientInstances(const base::Clock& clock, const Subscriptions& subscriptions, std::size_t push_bytes_max,
                  base::Registry& metrics, std::uint64_t seed);

  // A client without an instance id is given one.
  ClientTask ask(ClientIdentity client);

  // Whether the push may come, before its bytes are looked at.
  protocol::ErrorCode admit(const ClientIdentity& client, const ClientPush& push);

  // The bytes of a push that was admitted. INVALID_RECORD when they are not what they should be, TELEMETRY_TOO_LARGE
  // when they are too many. Takes as long as that takes.
  protocol::ErrorCode take(const base::Uuid& client_instance_id, std::int8_t compression, base::ByteSpan bytes);

  std::size_t client_count() const;

  // Appends the family of what clients have pushed, in Prometheus's text format.
  void print(std::string& text);

 private:
  using Time = base::Nanoseconds;

  struct Instance {
    ClientIdentity identity;
    std::int64_t version = 0;  // of the subscriptions
    std::int32_t subscription_id = 0;
    MergedSubscription subscription;
    std::optional<Time> asked_at;
    std::optional<Time> pushed_at;
    bool pushed_since_asked = true;
    bool terminating = false;
    protocol::ErrorCode last_error = protocol::ErrorCode::none;
    std::multimap<Time, base::Uuid>::iterator due;
    std::shared_ptr<const ClientSeries> series;
  };

  // With mutex_ held.
  Instance& instance(ClientIdentity client);
  void subscribe(Instance& instance);
  void keep_until(Instance& instance, Time due);
  void forget(const base::Uuid& id);
  void forget_due();
  protocol::ErrorCode check(Instance& instance, const ClientPush& push);
  bool fits(const Instance& instance, const ClientSeries& series) const;

  const base::Clock& clock_;
  const Subscriptions& subscriptions_;
  const std::size_t push_bytes_max_;
  base::Counter& pushes_;
  base::Counter& refused_;
  base::Counter& left_out_;

  mutable std::mutex mutex_;
  base::Random random_;
  std::unordered_map<base::Uuid, Instance> instances_;
  std::multimap<Time, base::Uuid> due_;
  std::size_t series_count_ = 0;  // of all instances
};

}  // namespace cms::broker
