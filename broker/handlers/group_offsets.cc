// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/group_offsets.h"

#include <algorithm>
#include <iterator>

#include "broker/handlers/group_serving.h"

namespace cms::broker {

namespace {

using protocol::OffsetCommitRequest;
using protocol::OffsetCommitResponse;
using protocol::OffsetDeleteRequest;
using protocol::OffsetDeleteResponse;
using protocol::OffsetFetchRequest;
using protocol::OffsetFetchResponse;

// The first versions with topic ids instead of names, and with several groups in one request.
constexpr protocol::Version ids_since = 10;
constexpr protocol::Version several_groups_since = 8;

// Finds the topic by what the version names it by, and fills in the other.
template <typename Named>
TopicHandle complete(const Topics& topics, bool by_id, Named& named) {
  TopicHandle topic = by_id ? topics.find(named.topic_id) : topics.find(named.name);
  if (topic != nullptr) {
    named.name = topic->name();
    named.topic_id = topic->id();
  }
  return topic;
}

// Takes out of the request what names no partition that exists; what is taken out is answered in `refused`.
void refuse_unknown(const Topics& topics, bool by_id, OffsetCommitRequest& request,
                    std::vector<OffsetCommitResponse::Topic>& refused) {
  for (auto& wanted : request.topics) {
    const TopicHandle topic = complete(topics, by_id, wanted);
    const ErrorCode error =
        by_id && topic == nullptr ? ErrorCode::unknown_topic_id : ErrorCode::unknown_topic_or_partition;
    const auto is_known = [&](const OffsetCommitRequest::Partition& partition) {
      return topic != nullptr && topic->partition(partition.partition_index) != nullptr;
    };
    const auto unknown = std::ranges::stable_partition(wanted.partitions, is_known);
    if (unknown.empty()) continue;
    auto& answer = refused.emplace_back();
    answer.name = wanted.name;
    answer.topic_id = wanted.topic_id;
    for (const auto& partition : unknown) answer.partitions.push_back({partition.partition_index, error});
    wanted.partitions.erase(unknown.begin(), wanted.partitions.end());
  }
  std::erase_if(request.topics, [](const OffsetCommitRequest::Topic& topic) { return topic.partitions.empty(); });
}

// Answers to a whole request that cannot be served.
void refuse_all(const OffsetCommitRequest& request, ErrorCode error, OffsetCommitResponse& response) {
  for (const auto& topic : request.topics) {
    auto& answer = response.topics.emplace_back();
    answer.name = topic.name;
    answer.topic_id = topic.topic_id;
    for (const auto& partition : topic.partitions) answer.partitions.push_back({partition.partition_index, error});
  }
}

// A topic that is asked for by an id nobody has.
OffsetFetchResponse::Topic unknown_id(const OffsetFetchRequest::Topic& wanted) {
  OffsetFetchResponse::Topic answer;
  answer.topic_id = wanted.topic_id;
  for (const std::int32_t partition : wanted.partition_indexes) {
    answer.partitions.push_back({.partition_index = partition,
                                 .committed_offset = -1,
                                 .committed_leader_epoch = -1,
                                 .metadata = "",
                                 .error_code = ErrorCode::unknown_topic_id});
  }
  return answer;
}

// One group of an OffsetFetch.
void fetch_group(CoreHandlers& handlers, Core& core, const std::shared_ptr<TypedCall<OffsetFetchResponse>>& call,
                 OffsetFetchRequest::Group& wanted, OffsetFetchResponse::Group& answer) {
  const Topics& topics = handlers.services.topics;
  const bool by_id = call->version() >= ids_since;
  std::vector<OffsetFetchResponse::Topic> refused;
  if (by_id && wanted.topics) {
    std::erase_if(*wanted.topics, [&](OffsetFetchRequest::Topic& topic) {
      if (complete(topics, true, topic) != nullptr) return false;
      refused.push_back(unknown_id(topic));
      return true;
    });
  }
  const auto fetch = [&](coordinator::Shard& shard, coordinator::Now, coordinator::Effects&) {
    answer = shard.fetch_offsets(wanted, call->version());
  };
  const ErrorCode error = handlers.services.groups.run(core, wanted.group_id, call, fetch);
  answer.group_id = wanted.group_id;
  if (error != ErrorCode::none) answer.error_code = error;
  if (answer.error_code != ErrorCode::none || !by_id) return;
  std::erase_if(answer.topics, [&](OffsetFetchResponse::Topic& topic) {  // deleted a moment ago
    return complete(topics, false, topic) == nullptr;
  });
  std::ranges::move(refused, std::back_inserter(answer.topics));
}

}  // namespace

Served serve_offset_commit(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                           protocol::FrameBuffer& out) {
  OffsetCommitRequest request;
  if (const auto parsed = protocol::read(body, context.version(), request); !parsed) {
    return Served::refuse(parsed.error().message());
  }
  auto call = std::make_shared<TypedCall<OffsetCommitResponse>>(core, context.header);
  std::vector<OffsetCommitResponse::Topic> refused;
  refuse_unknown(handlers.services.topics, context.version() >= ids_since, request, refused);
  if (!request.topics.empty()) {
    const std::string host = shown_host(context.peer);
    const coordinator::Call<OffsetCommitRequest> asked{
        request, context.version(), {client_id(context.header), host}, 0};
    const auto commit = [&](coordinator::Shard& shard, coordinator::Now now, coordinator::Effects& effects) {
      call->response() = shard.step(now, asked, effects);
    };
    const ErrorCode error = handlers.services.groups.run(core, request.group_id, call, commit);
    if (error != ErrorCode::none) refuse_all(request, error, call->response());
  }
  std::ranges::move(refused, std::back_inserter(call->response().topics));
  return begin(std::move(call), out);
}

Served serve_offset_fetch(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                          protocol::FrameBuffer& out) {
  OffsetFetchRequest request;
  if (const auto parsed = protocol::read(body, context.version(), request); !parsed) {
    return Served::refuse(parsed.error().message());
  }
  auto call = std::make_shared<TypedCall<OffsetFetchResponse>>(core, context.header);
  OffsetFetchResponse& response = call->response();
  if (context.version() >= several_groups_since) {
    response.groups.resize(request.groups.size());
    for (std::size_t i = 0; i < request.groups.size(); ++i) {
      fetch_group(handlers, core, call, request.groups[i], response.groups[i]);
    }
    return begin(std::move(call), out);
  }
  OffsetFetchRequest::Group wanted{
      .group_id = request.group_id, .member_id = {}, .member_epoch = -1, .topics = std::move(request.topics)};
  OffsetFetchResponse::Group answer;
  fetch_group(handlers, core, call, wanted, answer);
  response.error_code = answer.error_code;
  response.topics = std::move(answer.topics);
  if (response.error_code != ErrorCode::none && wanted.topics) {  // version 1 has errors on partitions only
    for (const auto& topic : *wanted.topics) {
      auto& failed = response.topics.emplace_back();
      failed.name = topic.name;
      for (const std::int32_t partition : topic.partition_indexes) {
        failed.partitions.emplace_back().partition_index = partition;
      }
    }
    fail(response, response.error_code);
  }
  return begin(std::move(call), out);
}

Served serve_offset_delete(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                           protocol::FrameBuffer& out) {
  OffsetDeleteRequest request;
  if (const auto parsed = protocol::read(body, context.version(), request); !parsed) {
    return Served::refuse(parsed.error().message());
  }
  auto call = std::make_shared<TypedCall<OffsetDeleteResponse>>(core, context.header);
  std::vector<OffsetDeleteResponse::Topic> refused;
  std::erase_if(request.topics, [&](const OffsetDeleteRequest::Topic& wanted) {
    const TopicHandle topic = handlers.services.topics.find(wanted.name);
    if (topic != nullptr) return false;
    auto& answer = refused.emplace_back();
    answer.name = wanted.name;
    for (const auto& partition : wanted.partitions) {
      answer.partitions.push_back({partition.partition_index, ErrorCode::unknown_topic_or_partition});
    }
    return true;
  });
  const std::string host = shown_host(context.peer);
  const coordinator::Call<OffsetDeleteRequest> asked{request, context.version(), {client_id(context.header), host}, 0};
  const auto remove = [&](coordinator::Shard& shard, coordinator::Now now, coordinator::Effects& effects) {
    call->response() = shard.step(now, asked, effects);
  };
  const ErrorCode error = handlers.services.groups.run(core, request.group_id, call, remove);
  if (error != ErrorCode::none) fail(call->response(), error);
  if (call->response().error_code == ErrorCode::none) {
    std::ranges::move(refused, std::back_inserter(call->response().topics));
  }
  return begin(std::move(call), out);
}

}  // namespace cms::broker
