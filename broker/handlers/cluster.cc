// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/cluster.h"

#include <string>
#include <utility>

#include "broker/handlers/metadata.h"

namespace cms::broker {

namespace {

// The first version with several keys (KIP-699).
constexpr protocol::Version several_keys_since = 4;

std::pair<ErrorCode, std::string> why_no_coordinator(protocol::CoordinatorType type, ErrorCode groups) {
  switch (type) {
    case protocol::CoordinatorType::group:
      return {groups, groups == ErrorCode::none ? "" : "The coordinator is not available."};
    case protocol::CoordinatorType::transaction:
      return {ErrorCode::unsupported_version, "This broker does not serve transactions."};
    case protocol::CoordinatorType::share:
      return {ErrorCode::invalid_request, "This broker does not serve share groups."};
  }
  return {ErrorCode::invalid_request, "Unknown coordinator type " + std::to_string(static_cast<int>(type)) + "."};
}

// Of a response, or of one of its coordinators: who it is, or why there is none.
void answer_with(const Metadata& node, const RequestContext& context, ErrorCode error, const std::string& message,
                 auto& answer) {
  answer.error_code = error;
  if (!message.empty()) answer.error_message = message;
  answer.node_id = error == ErrorCode::none ? node.node_id() : -1;
  answer.port = error == ErrorCode::none ? context.listener().advertised_port : -1;
  if (error == ErrorCode::none) answer.host = context.listener().advertised_host;
}

}  // namespace

void describe_cluster(const Metadata& node, const Options& options, const RequestContext& context,
                      const protocol::DescribeClusterRequest& request, protocol::DescribeClusterResponse& response) {
  if (request.endpoint_type != protocol::EndpointType::brokers) {
    const bool known = request.endpoint_type == protocol::EndpointType::controllers;
    response.error_code = known ? ErrorCode::mismatched_endpoint_type : ErrorCode::unsupported_endpoint_type;
    response.error_message =
        known ? "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER"
              : "Unsupported endpoint type " + std::to_string(static_cast<int>(request.endpoint_type));
    return;
  }
  response.cluster_id = node.cluster_id();
  response.controller_id = node.node_id();
  auto& self = response.brokers.emplace_back();
  self.broker_id = node.node_id();
  self.host = context.listener().advertised_host;
  self.port = context.listener().advertised_port;
  if (!options.rack.empty()) self.rack = options.rack;
  if (request.include_cluster_authorized_operations) response.cluster_authorized_operations = all_cluster_operations;
}

void find_coordinator(const Metadata& node, ErrorCode groups, const RequestContext& context,
                      const protocol::FindCoordinatorRequest& request, protocol::FindCoordinatorResponse& response) {
  const auto [error, message] = why_no_coordinator(request.key_type, groups);
  if (context.version() < several_keys_since) return answer_with(node, context, error, message, response);
  for (const std::string& key : request.coordinator_keys) {
    auto& answer = response.coordinators.emplace_back();
    answer.key = key;
    answer_with(node, context, error, message, answer);
  }
}

}  // namespace cms::broker
