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
void fetch_group(CoreHandlers& handlers, const std::shared_ptr<TypedCall<OffsetFetchResponse>>& call,
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
  const auto fetch = [&](const coordinator::Shard& shard) { answer = shard.fetch_offsets(wanted, call->version()); };
  const ErrorCode error = handlers.services.groups.read(wanted.group_id, call, fetch);
  answer.group_id = wanted.group_id;
  if (error != ErrorCode::none) answer.error_code = error;
  if (answer.error_code != ErrorCode::none || !by_id) return;
  std::erase_if(answer.topics, [&](OffsetFetchResponse::Topic& topic) {  // deleted a moment ago
    return complete(topics, false, topic) == nullptr;
  });
  std::ranges::move(refused, std::back_inserter(answer.topics));
}

// Up to version 7: one group, whose answer is the whole one's.
void fetch_one_group(CoreHandlers& handlers, const std::shared_ptr<TypedCall<OffsetFetchResponse>>& call,
                     OffsetFetchRequest& request) {
  OffsetFetchRequest::Group wanted{
      .group_id = request.group_id, .member_id = {}, .member_epoch = -1, .topics = std::move(request.topics)};
  OffsetFetchResponse::Group answer;
  fetch_group(handlers, call, wanted, answer);
  OffsetFetchResponse& response = call->response();
  response.error_code = answer.error_code;
  response.topics = std::move(answer.topics);
  if (response.error_code == ErrorCode::none || !wanted.topics) return;
  for (const auto& topic : *wanted.topics) {  // version 1 has errors on partitions only
    auto& failed = response.topics.emplace_back();
    failed.name = topic.name;
    for (const std::int32_t partition : topic.partition_indexes) {
      failed.partitions.emplace_back().partition_index = partition;
    }
  }
  fail(response, response.error_code);
}

// Takes out of the request the topics that do not exist; they are answered in `refused`.
void refuse_unknown(const Topics& topics, OffsetDeleteRequest& request,
                    std::vector<OffsetDeleteResponse::Topic>& refused) {
  std::erase_if(request.topics, [&](const OffsetDeleteRequest::Topic& wanted) {
    if (topics.find(wanted.name) != nullptr) return false;
    auto& answer = refused.emplace_back();
    answer.name = wanted.name;
    for (const auto& partition : wanted.partitions) {
      answer.partitions.push_back({partition.partition_index, ErrorCode::unknown_topic_or_partition});
    }
    return true;
  });
}

}  // namespace

Served serve_offset_commit(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                           protocol::FrameBuffer& out) {
  using Call = TypedCall<OffsetCommitResponse>;
  const auto give_out = [&](OffsetCommitRequest& request, const std::shared_ptr<Call>& call) {
    std::vector<OffsetCommitResponse::Topic> refused;
    refuse_unknown(handlers.services.topics, context.version() >= ids_since, request, refused);
    if (!request.topics.empty()) {
      const ErrorCode error = run_step(handlers, core, context, request, call);
      if (error != ErrorCode::none) refuse_all(request, error, call->response());
    }
    std::ranges::move(refused, std::back_inserter(call->response().topics));
  };
  return serve_call<OffsetCommitRequest, Call>(core, context, body, out, give_out);
}

Served serve_offset_fetch(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                          protocol::FrameBuffer& out) {
  using Call = TypedCall<OffsetFetchResponse>;
  const auto give_out = [&](OffsetFetchRequest& request, const std::shared_ptr<Call>& call) {
    if (context.version() < several_groups_since) return fetch_one_group(handlers, call, request);
    auto& answers = call->response().groups;
    answers.resize(request.groups.size());
    for (std::size_t i = 0; i < answers.size(); ++i) fetch_group(handlers, call, request.groups[i], answers[i]);
  };
  return serve_call<OffsetFetchRequest, Call>(core, context, body, out, give_out);
}

Served serve_offset_delete(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                           protocol::FrameBuffer& out) {
  using Call = TypedCall<OffsetDeleteResponse>;
  const auto give_out = [&](OffsetDeleteRequest& request, const std::shared_ptr<Call>& call) {
    std::vector<OffsetDeleteResponse::Topic> refused;
    refuse_unknown(handlers.services.topics, request, refused);
    const ErrorCode error = run_step(handlers, core, context, request, call);
    if (error != ErrorCode::none) fail(call->response(), error);
    if (call->response().error_code != ErrorCode::none) return;
    std::ranges::move(refused, std::back_inserter(call->response().topics));
  };
  return serve_call<OffsetDeleteRequest, Call>(core, context, body, out, give_out);
}

}  // namespace cms::broker
