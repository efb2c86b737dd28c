// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/native.h"

#include <algorithm>
#include <bit>

#include "broker/handlers/group_serving.h"
#include "broker/handlers/serve.h"
#include "broker/metadata/topic_name.h"
#include "broker/push/access.h"
#include "broker/push/channel_factory.h"
#include "broker/push/session.h"
#include "protocol/messages/native.h"
#include "protocol/push/messages.h"

namespace cms::broker {

namespace {

using namespace protocol;
using broker::push::Session;
using broker::push::session_of;
using broker::push::Subscription;
using broker::push::TopicPattern;
using transport::ChannelKind;

constexpr std::int32_t heartbeat_ms_min = 10;
constexpr std::int32_t heartbeat_ms_max = 600'000;
constexpr std::int32_t ring_bytes_min = 64 << 10;

template <typename Response>
Served answer(const RequestContext& context, const Response& response, FrameBuffer& out) {
  write_response(context.version(), context.header.correlation_id, response, out);
  return Served::answered();
}

template <typename Response>
void refuse(Response& response, ErrorCode error, std::string message) {
  response.error_code = error;
  if (!message.empty()) response.error_message = std::move(message);
}

template <typename Response>
void refuse_without_channel(Response& response) {
  refuse(response, ErrorCode::invalid_request, "the connection has no channel: OpenChannel comes first");
}

// Reads the request and has `work(session, request, response)` answer it, where there is a session.
template <typename Request, typename Response, typename Work>
Served serve_of_session(const RequestContext& context, base::ByteSpan body, FrameBuffer& out, Work&& work) {
  return with_request<Request>(context, body, [&](const Request& request) {
    Response response;
    if (Session* const session = session_of(context.peer)) {
      Session::Outcome outcome = work(*session, request, response);
      refuse(response, outcome.error, std::move(outcome.message));
    } else {
      refuse_without_channel(response);
    }
    return answer(context, response, out);
  });
}

// Empty: it can be had as asked for.
std::string why_not(const OpenChannelRequest& request, const Options& options) {
  if (request.layout_version != protocol::push::layout_version) {
    return "channels have layout " + std::to_string(protocol::push::layout_version) + " here";
  }
  if (request.ring_bytes < 0 || request.ring_bytes > options.push_ring_bytes_max) {
    return "rings have at most " + std::to_string(options.push_ring_bytes_max) + " bytes (push.ring.max.bytes)";
  }
  if (request.heartbeat_ms != 0 &&
      (request.heartbeat_ms < heartbeat_ms_min || request.heartbeat_ms > heartbeat_ms_max)) {
    return "heartbeats come every " + std::to_string(heartbeat_ms_min) + " to " + std::to_string(heartbeat_ms_max) +
           " ms";
  }
  return {};
}

void open_channel(CoreHandlers& handlers, const RequestContext& context, const OpenChannelRequest& request,
                  OpenChannelResponse& response) {
  const Options& options = handlers.services.options;
  response.layout_version = protocol::push::layout_version;
  if (context.peer.connection == nullptr || session_of(context.peer) != nullptr) {
    return refuse(response, ErrorCode::invalid_request, "a connection has one channel at most");
  }
  if (!push::may_open_channel(context.peer)) return refuse(response, ErrorCode::cluster_authorization_failed, {});
  if (std::string why = why_not(request, options); !why.empty()) {
    return refuse(response, ErrorCode::invalid_request, std::move(why));
  }
  const auto kind = static_cast<ChannelKind>(request.kind);
  push::ChannelFactory* const factory = handlers.push.factory(kind);
  if (kind != ChannelKind::tcp && factory == nullptr) {
    return refuse(response, ErrorCode::unsupported_endpoint_type, handlers.push.why_no_channel(kind));
  }
  const std::int32_t wanted = request.ring_bytes == 0 ? options.push_ring_bytes : request.ring_bytes;
  const auto ring_bytes = std::bit_ceil(static_cast<std::size_t>(std::max(wanted, ring_bytes_min)));
  if (!handlers.push.limits().take_channel(ring_bytes)) {
    return refuse(response, ErrorCode::policy_violation,
                  "the broker has as many channels, or rings, as push.channels.max and push.ring.total.max.bytes "
                  "allow");
  }
  response.ring_bytes = static_cast<std::int32_t>(ring_bytes);
  response.heartbeat_ms = request.heartbeat_ms == 0 ? options.push_heartbeat_ms : request.heartbeat_ms;
  response.map_logs = request.map_logs && kind == ChannelKind::shared_memory;
  auto session =
      std::make_shared<Session>(handlers.push, *context.peer.connection, context.peer,
                                Session::Settings{.kind = kind,
                                                  .ring_bytes = ring_bytes,
                                                  .heartbeat = std::chrono::milliseconds(response.heartbeat_ms),
                                                  .client_id = context.header.client_id.value_or(""),
                                                  .want_stages = request.want_stages,
                                                  .map_logs = response.map_logs});
  session->begin(std::chrono::milliseconds(options.push_token_ms));
  if (factory == nullptr) return session->serve_over_connection();
  auto meeting = factory->expect(session, ring_bytes);
  if (!meeting) {
    // The session goes with its connection, as one whose client never comes.
    return refuse(response, ErrorCode::unsupported_endpoint_type, meeting.error().message());
  }
  session->expect(*factory, meeting->token);
  response.token = meeting->token;
  response.endpoint = std::move(meeting->endpoint);
  response.token_valid_ms = options.push_token_ms;
}

TopicPattern::Kind kind_of(TopicMatch match) {
  switch (match) {
    case TopicMatch::prefix:
      return TopicPattern::Kind::prefix;
    case TopicMatch::pattern:
      return TopicPattern::Kind::words;
    case TopicMatch::exact:
      break;
  }
  return TopicPattern::Kind::exact;
}

bool is_known(const SubscribeRequest& request) {
  return request.match >= TopicMatch::exact && request.match <= TopicMatch::pattern && request.start >= StartAt::live &&
         request.start <= StartAt::committed && request.bytes_in_flight_max >= 0;
}

// All of a request but committed offsets. Otherwise why it cannot be.
base::Result<Subscription::Settings> settings_of(const SubscribeRequest& request) {
  if (!is_known(request)) return base::Error(base::ErrorKind::invalid, "a value that has no meaning");
  auto pattern = TopicPattern::make(kind_of(request.match), request.topics);
  if (!pattern) return pattern.error();
  Subscription::Settings settings;
  settings.number = request.subscription;
  settings.pattern = std::move(*pattern);
  settings.partitions = request.partitions;
  std::ranges::sort(settings.partitions);
  settings.start = request.start;
  settings.start_value = request.start_value;
  for (const SubscribeRequest::ResumePoint& point : request.resume) {
    settings.resume[{point.topic_id, point.partition}] = point.next_offset;
  }
  settings.bytes_in_flight_max = static_cast<std::size_t>(request.bytes_in_flight_max);
  return settings;
}

void subscribe(Session& session, Subscription::Settings settings, SubscribeResponse& response) {
  Session::Outcome outcome = session.subscribe(std::move(settings));
  refuse(response, outcome.error, std::move(outcome.message));
  response.streams = outcome.streams;
}

// A subscription that begins where a group has committed: made once that is known.
class CommittedSubscribe final : public TypedCall<SubscribeResponse> {
 public:
  CommittedSubscribe(Core& core, const RequestHeader& header, std::shared_ptr<Session> session,
                     Subscription::Settings settings)
      : TypedCall(core, header), session_(std::move(session)), settings_(std::move(settings)) {}

  void take(const OffsetFetchResponse::Group& group) {
    response_.error_code = group.error_code;
    for (const auto& topic : group.topics) {
      for (const auto& partition : topic.partitions) {
        if (partition.error_code != ErrorCode::none || partition.committed_offset < 0) continue;
        settings_.committed[{topic.name, partition.partition_index}] = partition.committed_offset;
      }
    }
  }

  void answer(FrameBuffer& out) override {
    if (error() == ErrorCode::none && response_.error_code == ErrorCode::none) {
      subscribe(*session_, std::move(settings_), response_);
    }
    TypedCall::answer(out);
  }

 private:
  const std::shared_ptr<Session> session_;
  Subscription::Settings settings_;
};

// The first version of OffsetFetch that asks for groups, and by name.
constexpr Version offset_fetch_version = 9;

Served subscribe_committed(CoreHandlers& handlers, Core& core, const RequestContext& context, Session& session,
                           const SubscribeRequest& request, Subscription::Settings settings, FrameBuffer& out) {
  auto call = std::make_shared<CommittedSubscribe>(core, context.header, session.shared(), std::move(settings));
  OffsetFetchRequest::Group wanted;
  wanted.group_id = request.group_id;
  wanted.topics.reset();  // all that it has
  const auto fetch = [&](const coordinator::Shard& shard) {
    call->take(shard.fetch_offsets(wanted, offset_fetch_version));
  };
  const ErrorCode error = handlers.services.groups.read(request.group_id, call, fetch);
  if (error != ErrorCode::none && error != ErrorCode::not_coordinator) call->response().error_code = error;
  return begin(std::move(call), out);  // where there are no groups yet, nothing is committed
}

// Makes the topic of a publication on a worker; the rest is the core's.
class CreatingPublication final : public Pending {
 public:
  CreatingPublication(CoreHandlers& handlers, Core& core, const RequestHeader& header, std::shared_ptr<Session> session,
                      OpenPublicationRequest request)
      : Pending(core),
        services_(handlers.services),
        version_(header.api_version),
        correlation_id_(header.correlation_id),
        session_(std::move(session)),
        request_(std::move(request)) {}

  void start() {
    services_.run_on_worker([self = std::static_pointer_cast<CreatingPublication>(shared_from_this())] {
      self->outcome_ = self->services_.topics.create(
          {.name = std::string(push::without_pool(self->request_.topic)), .partitions = -1, .configs = {}}, false);
      self->wake();
    });
  }

  void answer(FrameBuffer& out) override;

 private:
  Services& services_;
  const Version version_;
  const std::int32_t correlation_id_;
  const std::shared_ptr<Session> session_;
  const OpenPublicationRequest request_;
  TopicOutcome outcome_;
};

void open_publication(Session& session, const OpenPublicationRequest& request, const Topic& topic,
                      OpenPublicationResponse& response) {
  if (!push::may_write(session.peer(), topic)) return refuse(response, ErrorCode::topic_authorization_failed, {});
  Session::Outcome outcome = session.may_open_publication(request.publication);
  if (outcome.error != ErrorCode::none) return refuse(response, outcome.error, std::move(outcome.message));
  session.open_publication(request.publication, topic);
  response.topic_id = topic.id();
  response.partitions = static_cast<std::int32_t>(topic.partitions.size());
  response.batch_bytes_max = static_cast<std::int32_t>(topic.config->max_message_bytes);
  response.durability = static_cast<std::int8_t>(topic.record->durability);
}

void CreatingPublication::answer(FrameBuffer& out) {
  OpenPublicationResponse response;
  TopicHandle topic = std::move(outcome_.topic);
  // Somebody else may have made it meanwhile.
  if (topic == nullptr) topic = services_.topics.find(push::without_pool(request_.topic));
  if (topic == nullptr) {
    refuse(response, outcome_.error, std::move(outcome_.message));
  } else {
    open_publication(*session_, request_, *topic, response);
  }
  write_response(version_, correlation_id_, response, out);
}

}  // namespace

Served serve_open_channel(CoreHandlers& handlers, Core&, const RequestContext& context, base::ByteSpan body,
                          FrameBuffer& out) {
  return with_request<OpenChannelRequest>(context, body, [&](const OpenChannelRequest& request) {
    OpenChannelResponse response;
    open_channel(handlers, context, request, response);
    return answer(context, response, out);
  });
}

Served serve_subscribe(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                       FrameBuffer& out) {
  return with_request<SubscribeRequest>(context, body, [&](const SubscribeRequest& request) {
    SubscribeResponse response;
    Session* const session = session_of(context.peer);
    auto settings = settings_of(request);
    if (session == nullptr) {
      refuse_without_channel(response);
    } else if (!settings) {
      refuse(response, ErrorCode::invalid_request, settings.error().message());
    } else if (request.start == StartAt::committed) {
      return subscribe_committed(handlers, core, context, *session, request, std::move(*settings), out);
    } else {
      subscribe(*session, std::move(*settings), response);
    }
    return answer(context, response, out);
  });
}

Served serve_unsubscribe(CoreHandlers&, Core&, const RequestContext& context, base::ByteSpan body, FrameBuffer& out) {
  return serve_of_session<UnsubscribeRequest, UnsubscribeResponse>(
      context, body, out, [](Session& session, const UnsubscribeRequest& request, UnsubscribeResponse&) {
        return session.unsubscribe(request.subscription);
      });
}

Served serve_seek(CoreHandlers&, Core&, const RequestContext& context, base::ByteSpan body, FrameBuffer& out) {
  return serve_of_session<SeekRequest, SeekResponse>(
      context, body, out, [](Session& session, const SeekRequest& request, SeekResponse& response) {
        response.first_stream = session.next_stream();
        return session.seek(request.subscription, request.streams, request.start, request.start_value);
      });
}

Served serve_open_publication(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                              FrameBuffer& out) {
  return with_request<OpenPublicationRequest>(context, body, [&](OpenPublicationRequest& request) {
    OpenPublicationResponse response;
    Session* const session = session_of(context.peer);
    const std::string_view name = push::without_pool(request.topic);
    const TopicHandle topic = handlers.services.topics.find(name);
    if (session == nullptr) {
      refuse_without_channel(response);
    } else if (auto why = why_not_topic_name(name)) {
      refuse(response, ErrorCode::invalid_topic_exception, std::move(*why));
    } else if (topic != nullptr) {
      open_publication(*session, request, *topic, response);
    } else if (request.create && handlers.services.options.auto_create_topics && !is_internal_topic(name)) {
      auto creating =
          std::make_shared<CreatingPublication>(handlers, core, context.header, session->shared(), std::move(request));
      creating->start();
      return Served::later(std::move(creating));
    } else {
      refuse(response, ErrorCode::unknown_topic_or_partition, {});
    }
    return answer(context, response, out);
  });
}

// The data path of publishing over TCP: there is no answer, results come over the channel.
Served serve_channel_messages(CoreHandlers&, Core&, const RequestContext& context, base::ByteSpan body, FrameBuffer&) {
  return with_request<ChannelMessagesRequest>(context, body, [&](const ChannelMessagesRequest& request) {
    Session* const session = session_of(context.peer);
    if (session == nullptr) return Served::refuse("messages of a channel that is not open");
    if (const auto taken = session->arrived(request.messages.bytes()); !taken) {
      return Served::refuse(taken.error().message());
    }
    return Served::silent();
  });
}

}  // namespace cms::broker
