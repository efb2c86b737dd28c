// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/groups.h"

#include "broker/handlers/group_serving.h"

namespace cms::broker {

namespace {

// A request whose answer the step gives.
template <typename Request, typename Response>
Served serve_step(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                  protocol::FrameBuffer& out) {
  const auto give_out = [&](const Request& request, const std::shared_ptr<TypedCall<Response>>& call) {
    const ErrorCode error = run_step(handlers, core, context, request, call);
    if (error != ErrorCode::none) fail(call->response(), error);
  };
  return serve_call<Request, TypedCall<Response>>(core, context, body, out, give_out);
}

// A request that the group answers when it can.
template <typename Request, typename Response>
Served serve_waiting(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                     protocol::FrameBuffer& out) {
  const auto give_out = [&](const Request& request, const std::shared_ptr<WaitingTypedCall<Response>>& call) {
    Asked<Request> asked(context, request);
    const auto step = [&](coordinator::Shard& shard, coordinator::Now now, coordinator::Ticket ticket,
                          coordinator::Effects& effects) {
      asked.call.ticket = ticket;
      shard.step(now, asked.call, effects);
    };
    const auto shard = handlers.services.groups.shard_of(request.group_id);
    const ErrorCode error = shard == nullptr ? ErrorCode::not_coordinator : shard->run_waiting(core, call, step);
    if (error != ErrorCode::none) fail(call->response(), error);
  };
  return serve_call<Request, WaitingTypedCall<Response>>(core, context, body, out, give_out);
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
