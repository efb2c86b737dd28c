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

}  // namespace

Served serve_describe_groups(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                             protocol::FrameBuffer& out) {
  protocol::DescribeGroupsRequest request;
  if (const auto parsed = protocol::read(body, context.version(), request); !parsed) {
    return Served::refuse(parsed.error().message());
  }
  auto call = std::make_shared<TypedCall<protocol::DescribeGroupsResponse>>(core, context.header);
  for (const std::string& id : request.groups) {
    auto& answer = call->response().groups.emplace_back();
    const auto describe = [&](Shard& shard, Now, Effects&) { answer = shard.describe_classic(id); };
    const ErrorCode error = handlers.services.groups.run(core, id, call, describe);
    if (error != ErrorCode::none) answer.error_code = error;
    answer.group_id = id;
    if (answer.error_code == ErrorCode::group_id_not_found && context.version() < describe_not_found_since) {
      answer.error_code = ErrorCode::none;
      answer.error_message.reset();
    }
    if (request.include_authorized_operations && answer.error_code == ErrorCode::none) {
      answer.authorized_operations = all_group_operations;
    }
  }
  return begin(std::move(call), out);
}

Served serve_consumer_group_describe(CoreHandlers& handlers, Core& core, const RequestContext& context,
                                     base::ByteSpan body, protocol::FrameBuffer& out) {
  protocol::ConsumerGroupDescribeRequest request;
  if (const auto parsed = protocol::read(body, context.version(), request); !parsed) {
    return Served::refuse(parsed.error().message());
  }
  auto call = std::make_shared<TypedCall<protocol::ConsumerGroupDescribeResponse>>(core, context.header);
  for (const std::string& id : request.group_ids) {
    auto& answer = call->response().groups.emplace_back();
    const auto describe = [&](Shard& shard, Now, Effects&) { answer = shard.describe_consumer(id); };
    const ErrorCode error = handlers.services.groups.run(core, id, call, describe);
    if (error != ErrorCode::none) answer.error_code = error;
    answer.group_id = id;
    if (request.include_authorized_operations && answer.error_code == ErrorCode::none) {
      answer.authorized_operations = all_group_operations;
    }
  }
  return begin(std::move(call), out);
}

Served serve_list_groups(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                         protocol::FrameBuffer& out) {
  protocol::ListGroupsRequest request;
  if (const auto parsed = protocol::read(body, context.version(), request); !parsed) {
    return Served::refuse(parsed.error().message());
  }
  auto call = std::make_shared<TypedCall<protocol::ListGroupsResponse>>(core, context.header);
  protocol::ListGroupsResponse& response = call->response();
  for (const auto& shard : handlers.services.groups.shards()) {
    const ErrorCode error = shard->run(core, call, [&](Shard& groups, Now, Effects&) { groups.list(response.groups); });
    if (error != ErrorCode::none) response.error_code = error;
  }
  if (response.error_code != ErrorCode::none) response.groups.clear();
  std::erase_if(response.groups, [&](const protocol::ListGroupsResponse::Group& group) {
    return !passes(request.states_filter, group.group_state) || !passes(request.types_filter, group.group_type);
  });
  return begin(std::move(call), out);
}

Served serve_delete_groups(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                           protocol::FrameBuffer& out) {
  protocol::DeleteGroupsRequest request;
  if (const auto parsed = protocol::read(body, context.version(), request); !parsed) {
    return Served::refuse(parsed.error().message());
  }
  auto call = std::make_shared<TypedCall<protocol::DeleteGroupsResponse>>(core, context.header);
  for (const std::string& id : request.groups_names) {
    auto& answer = call->response().results.emplace_back();
    answer.group_id = id;
    const auto remove = [&](Shard& shard, Now, Effects& effects) {
      answer.error_code = shard.delete_group(id, effects);
    };
    const ErrorCode error = handlers.services.groups.run(core, id, call, remove);
    if (error != ErrorCode::none) answer.error_code = error;
  }
  return begin(std::move(call), out);
}

}  // namespace cms::broker
