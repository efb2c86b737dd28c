// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/telemetry.h"

#include <memory>
#include <string>
#include <vector>

#include "broker/core/pending.h"
#include "broker/handlers/serve.h"
#include "protocol/header.h"

namespace cms::broker {

namespace {

using protocol::PushTelemetryRequest;
using protocol::PushTelemetryResponse;

ClientIdentity identity_of(const RequestContext& context, const base::Uuid& instance_id) {
  ClientIdentity client{.instance_id = instance_id, .client_id = context.header.client_id};
  const Peer& peer = context.peer;
  if (!peer.software_name.empty()) client.software_name = peer.software_name;
  if (!peer.software_version.empty()) client.software_version = peer.software_version;
  // Who came through a Unix socket has neither address nor port.
  if (const std::size_t colon = peer.address.rfind(':'); colon != std::string::npos) {
    client.source_address = peer.address.substr(0, colon);
    client.source_port = peer.address.substr(colon + 1);
  }
  return client;
}

// One push on its way through a worker. Keeps itself alive until the worker is done with it.
class PushJob final : public Pending {
 public:
  PushJob(Core& core, Services& services, const RequestContext& context, const PushTelemetryRequest& request)
      : Pending(core), services_(services), header_(context.header), peer_(context.peer), request_(request) {
    const auto bytes_max = static_cast<std::size_t>(services.options.telemetry_bytes_max);
    metrics_bytes_ = request.metrics.size();
    if (metrics_bytes_ <= bytes_max) metrics_.assign(request.metrics.bytes().begin(), request.metrics.bytes().end());
    request_.metrics = protocol::BytesView(metrics_);
    hold(metrics_.size());
  }

  void start() {
    services_.run_on_worker([self = std::static_pointer_cast<PushJob>(shared_from_this())] {
      const RequestContext context{self->header_, self->peer_};
      self->error_ = push_telemetry(self->services_.client_instances, context, self->request_, self->metrics_bytes_);
      self->wake();
    });
  }

  void answer(protocol::FrameBuffer& out) override {
    const PushTelemetryResponse response{.error_code = error_};
    protocol::write_response(header_.api_version, header_.correlation_id, response, out);
  }

 private:
  Services& services_;
  const protocol::RequestHeader header_;
  Peer peer_;
  PushTelemetryRequest request_;
  std::size_t metrics_bytes_ = 0;
  std::vector<std::byte> metrics_;  // empty when they are too many
  ErrorCode error_ = ErrorCode::none;
};

}  // namespace

void get_telemetry_subscriptions(ClientInstances& clients, std::int32_t push_bytes_max, const RequestContext& context,
                                 const protocol::GetTelemetrySubscriptionsRequest& request,
                                 protocol::GetTelemetrySubscriptionsResponse& response) {
  ClientTask task = clients.ask(identity_of(context, request.client_instance_id));
  response.error_code = task.error;
  if (task.error != ErrorCode::none) return;
  response.client_instance_id = task.client_instance_id;
  response.subscription_id = task.subscription_id;
  response.accepted_compression_types.assign(std::begin(ClientInstances::compressions),
                                             std::end(ClientInstances::compressions));
  response.push_interval_ms = task.subscription.interval_ms;
  response.telemetry_max_bytes = push_bytes_max;
  response.delta_temporality = true;
  response.requested_metrics = std::move(task.subscription.metrics);
}

ErrorCode push_telemetry(ClientInstances& clients, const RequestContext& context, const PushTelemetryRequest& request,
                         std::size_t metrics_bytes) {
  const ClientPush push{.subscription_id = request.subscription_id,
                        .terminating = request.terminating,
                        .compression = request.compression_type,
                        .bytes = metrics_bytes};
  const ErrorCode error = clients.admit(identity_of(context, request.client_instance_id), push);
  if (error != ErrorCode::none || request.metrics.empty()) return error;
  return clients.take(request.client_instance_id, request.compression_type, request.metrics.bytes());
}

Served serve_push_telemetry(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                            protocol::FrameBuffer&) {
  return with_request<PushTelemetryRequest>(context, body, [&](const PushTelemetryRequest& request) {
    auto job = std::make_shared<PushJob>(core, handlers.services, context, request);
    job->start();
    return Served::later(std::move(job));
  });
}

}  // namespace cms::broker
