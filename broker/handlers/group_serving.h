// SPDX-License-Identifier: Apache-2.0
// What the handlers of groups share: how an error is put into an answer, and how a call is begun.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "broker/groups/group_coordinator.h"
#include "broker/handlers/serve.h"
#include "broker/handlers/table.h"
#include "protocol/messages/consumer_group.h"
#include "protocol/messages/group_admin.h"
#include "protocol/messages/group_offsets.h"
#include "protocol/messages/groups.h"

namespace cms::broker {

// The whole answer is `why`; what it would have shown otherwise is taken out of it.
template <typename Response>
void fail(Response& response, ErrorCode why) {
  response = {};
  response.error_code = why;
}
void fail(protocol::OffsetCommitResponse& response, ErrorCode why);
void fail(protocol::OffsetFetchResponse& response, ErrorCode why);
void fail(protocol::DeleteGroupsResponse& response, ErrorCode why);
void fail(protocol::DescribeGroupsResponse& response, ErrorCode why);
void fail(protocol::ConsumerGroupDescribeResponse& response, ErrorCode why);

// The answer to one request, written as `response()` has it when all parts are done.
template <protocol::Message Response, typename Base = GroupCall>
class TypedCall : public Base {
 public:
  TypedCall(Core& core, const protocol::RequestHeader& header)
      : Base(core), version_(header.api_version), correlation_id_(header.correlation_id) {}

  Response& response() { return response_; }
  protocol::Version version() const { return version_; }

  void answer(protocol::FrameBuffer& out) override {
    if (this->error() != ErrorCode::none) fail(response_, this->error());
    protocol::write_response(version_, correlation_id_, response_, out);
  }

 protected:
  Response response_;

 private:
  const protocol::Version version_;
  const std::int32_t correlation_id_;
};

// For JoinGroup and SyncGroup.
template <protocol::Message Response>
class WaitingTypedCall final : public TypedCall<Response, WaitingCall> {
 public:
  using TypedCall<Response, WaitingCall>::TypedCall;
  void set(coordinator::WaitingResponse response) override {
    this->response_ = std::move(std::get<Response>(response));
  }
};

// All parts of `call` have been given to their shards.
template <typename Call>
Served begin(std::shared_ptr<Call> call, protocol::FrameBuffer& out) {
  if (!call->begin()) return Served::later(std::move(call));
  call->answer(out);
  return Served::answered();
}

// The host of a client as Kafka's tools show it: "/127.0.0.1".
std::string shown_host(const Peer& peer);

// Empty for none. Valid as long as the header.
inline std::string_view client_id(const protocol::RequestHeader& header) {
  return header.client_id ? std::string_view(*header.client_id) : std::string_view();
}

// Reads the request, and has `give_out(request, call)` give the parts of a new call to their shards.
template <typename Request, typename Call, typename GiveOut>
Served serve_call(Core& core, const RequestContext& context, base::ByteSpan body, protocol::FrameBuffer& out,
                  GiveOut&& give_out) {
  return with_request<Request>(context, body, [&](Request& request) {
    auto call = std::make_shared<Call>(core, context.header);
    give_out(request, call);
    return begin(std::move(call), out);
  });
}

// What a step is told about a request, and what that refers to.
template <typename Request>
struct Asked {
  Asked(const RequestContext& context, const Request& request)
      : host(shown_host(context.peer)), call{request, context.version(), {client_id(context.header), host}, 0} {}
  Asked(const Asked&) = delete;
  Asked& operator=(const Asked&) = delete;

  const std::string host;
  coordinator::Call<Request> call;
};

// One step of the group's shard, which gives the answer. An error: there was none.
template <typename Request, typename Response>
ErrorCode run_step(CoreHandlers& handlers, Core& core, const RequestContext& context, const Request& request,
                   const std::shared_ptr<TypedCall<Response>>& call) {
  const Asked<Request> asked(context, request);
  const auto step = [&](coordinator::Shard& shard, coordinator::Now now, coordinator::Effects& effects) {
    call->response() = shard.step(now, asked.call, effects);
  };
  return handlers.services.groups.run(core, request.group_id, call, step);
}

}  // namespace cms::broker
