// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/group_serving.h"

namespace cms::broker {

void fail(protocol::OffsetCommitResponse& response, ErrorCode why) {
  for (auto& topic : response.topics) {
    for (auto& partition : topic.partitions) partition.error_code = why;
  }
}

void fail(protocol::OffsetFetchResponse& response, ErrorCode why) {
  response.error_code = why;
  for (auto& topic : response.topics) {
    for (auto& partition : topic.partitions) {
      partition = {.partition_index = partition.partition_index,
                   .committed_offset = -1,
                   .committed_leader_epoch = -1,
                   .metadata = "",
                   .error_code = why};
    }
  }
  for (auto& group : response.groups) {
    group.topics.clear();
    group.error_code = why;
  }
}

void fail(protocol::DeleteGroupsResponse& response, ErrorCode why) {
  for (auto& result : response.results) result.error_code = why;
}

void fail(protocol::DescribeGroupsResponse& response, ErrorCode why) {
  for (auto& group : response.groups) {
    std::string id = std::move(group.group_id);
    group = {};
    group.group_id = std::move(id);
    group.error_code = why;
  }
}

void fail(protocol::ConsumerGroupDescribeResponse& response, ErrorCode why) {
  for (auto& group : response.groups) {
    std::string id = std::move(group.group_id);
    group = {};
    group.group_id = std::move(id);
    group.error_code = why;
  }
}

std::string shown_host(const Peer& peer) {
  const std::size_t port = peer.address.rfind(':');
  std::string_view host = std::string_view(peer.address).substr(0, port);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host.starts_with('/') ? std::string(host) : "/" + std::string(host);
}

}  // namespace cms::broker
