// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/groups.h"

#include "broker/handlers/group_serving.h"

namespace cms::broker {

namespace {

// What lives as long as the step.
template <typename Request>
struct Asked {
  Asked(const RequestContext& context, const Request& request)
      : host(shown_host(context.peer)), call{request, context.version(), {client_id(context.header), host}, 0} {}

  const std::string host;
  coordinator::Call<Request> call;
};

// A request whose answer the step gives.
template <typename Request, typename Response>
Served serve_step(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                  protocol::FrameBuffer& out) {
  Request request;
  if (const auto parsed = protocol::read(body, context.version(), request); !parsed) {
    return Served::refuse(parsed.error().message());
  }
  auto call = std::make_shared<TypedCall<Response>>(core, context.header);
  const Asked<Request> asked(context, request);
  const ErrorCode error =
      handlers.services.groups.run(core, request.group_id, call,
                                   [&](coordinator::Shard& shard, coordinator::Now now, coordinator::Effects& effects) {
                                     call->response() = shard.step(now, asked.call, effects);
                                   });
  if (error != ErrorCode::none) fail(call->response(), error);
  return begin(std::move(call), out);
}

// A request that the group answers when it can.
template <typename Request, typename Response>
Served serve_waiting(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                     protocol::FrameBuffer& out) {
  Request request;
  if (const auto parsed = protocol::read(body, context.version(), request); !parsed) {
    return Served::refuse(parsed.error().message());
  }
  auto call = std::make_shared<WaitingTypedCall<Response>>(core, context.header);
  Asked<Request> asked(context, request);
  const auto shard = handlers.services.groups.shard_of(request.group_id);
  const ErrorCode error = shard == nullptr
                              ? ErrorCode::not_coordinator
                              : shard->run_waiting(core, call,
                                                   [&](coordinator::Shard& groups, coordinator::Now now,
                                                       coordinator::Ticket ticket, coordinator::Effects& effects) {
                                                     asked.call.ticket = ticket;
                                                     groups.step(now, asked.call, effects);
                                                   });
  if (error != ErrorCode::none) fail(call->response(), error);
  return begin(std::move(call), out);
}

}  // namespace

Served serve_join_group(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                        protocol::FrameBuffer& out) {
  return serve_waiting<protocol::JoinGroupRequest, protocol::JoinGroupResponse>(handlers, core, context, body, out);
}

Served serve_sync_group(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                        protocol::FrameBuffer& out) {
  return serve_waiting<protocol::SyncGroupRequest, protocol::SyncGroupResponse>(handlers, core, context, body, out);
}

Served serve_heartbeat(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                       protocol::FrameBuffer& out) {
  return serve_step<protocol::HeartbeatRequest, protocol::HeartbeatResponse>(handlers, core, context, body, out);
}

Served serve_leave_group(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                         protocol::FrameBuffer& out) {
  return serve_step<protocol::LeaveGroupRequest, protocol::LeaveGroupResponse>(handlers, core, context, body, out);
}

Served serve_consumer_group_heartbeat(CoreHandlers& handlers, Core& core, const RequestContext& context,
                                      base::ByteSpan body, protocol::FrameBuffer& out) {
  return serve_step<protocol::ConsumerGroupHeartbeatRequest, protocol::ConsumerGroupHeartbeatResponse>(
      handlers, core, context, body, out);
}

}  // namespace cms::broker
