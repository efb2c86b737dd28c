// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/group_admin.h"

#include <algorithm>
#include <cctype>

#include "broker/handlers/group_serving.h"

namespace cms::broker {

namespace {

using coordinator::Effects;
using coordinator::Now;
using coordinator::Shard;
using protocol::ConsumerGroupDescribeRequest;
using protocol::ConsumerGroupDescribeResponse;
using protocol::DeleteGroupsRequest;
using protocol::DeleteGroupsResponse;
using protocol::DescribeGroupsRequest;
using protocol::DescribeGroupsResponse;
using protocol::ListGroupsRequest;
using protocol::ListGroupsResponse;

// Describe, read, delete: bits 8, 3 and 6, and their configs (KIP-430).
constexpr std::int32_t all_group_operations = (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11);

// The first version that says of a group that it is not there.
constexpr protocol::Version describe_not_found_since = 6;

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool passes(const std::vector<std::string>& filter, std::string_view value) {
  return filter.empty() ||
         std::ranges::any_of(filter, [&](const std::string& wanted) { return equal_ignoring_case(wanted, value); });
}

// One group in an answer; `describe(shard)` says what its shard knows of it.
template <typename Call, typename Group, typename Describe>
void describe_group(CoreHandlers& handlers, const std::string& id, bool with_operations,
                    const std::shared_ptr<Call>& call, Group& answer, Describe&& describe) {
  const ErrorCode error =
      handlers.services.groups.read(id, call, [&](const Shard& shard) { answer = describe(shard); });
  if (error != ErrorCode::none) answer.error_code = error;
  answer.group_id = id;
  if (with_operations && answer.error_code == ErrorCode::none) answer.authorized_operations = all_group_operations;
}

// Before there was an error for it, a group that is not there was shown as a dead one.
void show_as_dead(DescribeGroupsResponse::Group& answer) {
  if (answer.error_code != ErrorCode::group_id_not_found) return;
  answer.error_code = ErrorCode::none;
  answer.error_message.reset();
}

}  // namespace

Served serve_describe_groups(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                             protocol::FrameBuffer& out) {
  using Call = TypedCall<DescribeGroupsResponse>;
  const auto give_out = [&](const DescribeGroupsRequest& request, const std::shared_ptr<Call>& call) {
    const bool dead_if_absent = context.version() < describe_not_found_since;
    for (const std::string& id : request.groups) {
      auto& answer = call->response().groups.emplace_back();
      describe_group(handlers, id, request.include_authorized_operations, call, answer, [&](const Shard& shard) {
        auto described = shard.describe_classic(id);
        if (dead_if_absent) show_as_dead(described);
        return described;
      });
    }
  };
  return serve_call<DescribeGroupsRequest, Call>(core, context, body, out, give_out);
}

Served serve_consumer_group_describe(CoreHandlers& handlers, Core& core, const RequestContext& context,
                                     base::ByteSpan body, protocol::FrameBuffer& out) {
  using Call = TypedCall<ConsumerGroupDescribeResponse>;
  const auto give_out = [&](const ConsumerGroupDescribeRequest& request, const std::shared_ptr<Call>& call) {
    for (const std::string& id : request.group_ids) {
      auto& answer = call->response().groups.emplace_back();
      describe_group(handlers, id, request.include_authorized_operations, call, answer,
                     [&](const Shard& shard) { return shard.describe_consumer(id); });
    }
  };
  return serve_call<ConsumerGroupDescribeRequest, Call>(core, context, body, out, give_out);
}

Served serve_list_groups(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                         protocol::FrameBuffer& out) {
  using Call = TypedCall<ListGroupsResponse>;
  const auto give_out = [&](const ListGroupsRequest& request, const std::shared_ptr<Call>& call) {
    ListGroupsResponse& response = call->response();
    for (const auto& shard : handlers.services.groups.shards()) {
      const ErrorCode error = shard->read(call, [&](const Shard& groups) { groups.list(response.groups); });
      if (error != ErrorCode::none) response.error_code = error;
    }
    if (response.error_code != ErrorCode::none) response.groups.clear();
    std::erase_if(response.groups, [&](const ListGroupsResponse::Group& group) {
      return !passes(request.states_filter, group.group_state) || !passes(request.types_filter, group.group_type);
    });
  };
  return serve_call<ListGroupsRequest, Call>(core, context, body, out, give_out);
}

Served serve_delete_groups(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                           protocol::FrameBuffer& out) {
  using Call = TypedCall<DeleteGroupsResponse>;
  const auto give_out = [&](const DeleteGroupsRequest& request, const std::shared_ptr<Call>& call) {
    for (const std::string& id : request.groups_names) {
      auto& answer = call->response().results.emplace_back();
      answer.group_id = id;
      const auto remove = [&](Shard& shard, Now, Effects& effects) {
        answer.error_code = shard.delete_group(id, effects);
      };
      const ErrorCode error = handlers.services.groups.run(core, id, call, remove);
      if (error != ErrorCode::none) answer.error_code = error;
    }
  };
  return serve_call<DeleteGroupsRequest, Call>(core, context, body, out, give_out);
}

}  // namespace cms::broker
