// SPDX-License-Identifier: Apache-2.0
// From a frame to its handler: header, API, version. One per core.
#pragma once

#include <memory>
#include <vector>

#include "broker/handlers/table.h"

namespace cms::broker {

// Requests by API; shared by all cores.
class RequestMetrics {
 public:
  explicit RequestMetrics(base::Registry& registry);

  base::Counter& requests(protocol::ApiKey key) const;
  base::Counter& refused() const { return refused_; }
  ProduceMetrics produce() const { return produce_; }
  FetchMetrics fetch() const { return fetch_; }

 private:
  // Kafka's keys, and the private ones without the gap between.
  std::vector<base::Counter*> by_key_;
  std::vector<base::Counter*> by_private_key_;
  base::Counter& refused_;
  ProduceMetrics produce_;
  FetchMetrics fetch_;
};

class Dispatcher final : public Service {
 public:
  // All outlive the dispatcher.
  Dispatcher(Services& services, const RequestMetrics& metrics, push::PushCore& push);

  Served serve(Core& core, Peer& peer, base::ByteSpan frame, protocol::FrameBuffer& out) override;

 private:
  const RequestMetrics& metrics_;
  BatchAppender appender_;
  ProduceHandler produce_;
  FetchHandler fetch_;
  CoreHandlers handlers_;
  protocol::RequestHeader header_;  // scratch
};

}  // namespace cms::broker
