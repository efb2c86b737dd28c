// SPDX-License-Identifier: Apache-2.0
// From bytes to a handler function and back: on the core's thread, or on a worker's where the function may block.
#pragma once

#include <memory>

#include "broker/handlers/table.h"

namespace cms::broker {

// Reads the request and has `serve(request)` serve it. One that does not parse is refused.
template <typename Request, typename Serve>
Served with_request(const RequestContext& context, base::ByteSpan body, Serve&& serve) {
  Request request;
  if (const auto parsed = protocol::read(body, context.version(), request); !parsed) {
    return Served::refuse(parsed.error().message());
  }
  return serve(request);
}

template <typename Request, typename Response, typename Function>
Served answer_now(CoreHandlers& handlers, const RequestContext& context, const Request& request,
                  protocol::FrameBuffer& out) {
  Response response;
  Function{}(handlers.services, context, request, response);
  protocol::write_response(context.version(), context.header.correlation_id, response, out);
  return Served::answered();
}

// `Function` is a captureless lambda (Services&, const RequestContext&, const Request&, Response&).
template <typename Request, typename Response, typename Function>
Served serve_on_core(CoreHandlers& handlers, Core&, const RequestContext& context, base::ByteSpan body,
                     protocol::FrameBuffer& out) {
  return with_request<Request>(context, body, [&](const Request& request) {
    return answer_now<Request, Response, Function>(handlers, context, request, out);
  });
}

// One request on its way through a worker thread. Keeps itself alive until the worker is done with it.
template <typename Request, typename Response, typename Function>
class Job final : public Pending {
 public:
  Job(Core& core, Services& services, const RequestContext& context)
      : Pending(core), services_(services), header_(context.header), peer_(context.peer) {}

  base::Result<void> parse(base::ByteSpan body) { return protocol::read(body, header_.api_version, request_); }

  void start() {
    services_.run_on_worker([self = std::static_pointer_cast<Job>(shared_from_this())] {
      Function{}(self->services_, RequestContext{self->header_, self->peer_}, self->request_, self->response_);
      self->wake();
    });
  }

  void answer(protocol::FrameBuffer& out) override {
    protocol::write_response(header_.api_version, header_.correlation_id, response_, out);
  }

  Request& request() { return request_; }

 private:
  Services& services_;
  const protocol::RequestHeader header_;
  Peer peer_;
  Request request_;
  Response response_;
};

template <typename Request, typename Response, typename Function>
Served serve_on_worker(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                       protocol::FrameBuffer&) {
  auto job = std::make_shared<Job<Request, Response, Function>>(core, handlers.services, context);
  if (const auto parsed = job->parse(body); !parsed) return Served::refuse(parsed.error().message());
  job->start();
  return Served::later(std::move(job));
}

// On the core unless `blocks(services, request)`.
template <typename Request, typename Response, typename Blocks, typename Function>
Served serve_either_way(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                        protocol::FrameBuffer& out) {
  return with_request<Request>(context, body, [&](Request& request) {
    if (!Blocks{}(handlers.services, request)) {
      return answer_now<Request, Response, Function>(handlers, context, request, out);
    }
    auto job = std::make_shared<Job<Request, Response, Function>>(core, handlers.services, context);
    job->request() = std::move(request);
    job->start();
    return Served::later(std::move(job));
  });
}

}  // namespace cms::broker
