// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/cluster.h"

#include <string>
#include <utility>

#include "broker/handlers/metadata.h"

namespace cms::broker {

namespace {

// The first version with several keys (KIP-699).
constexpr protocol::Version several_keys_since = 4;

std::pair<ErrorCode, std::string> why_no_coordinator(protocol::CoordinatorType type) {
  switch (type) {
    case protocol::CoordinatorType::group:
      return {ErrorCode::coordinator_not_available, "The coordinator is not available."};
    case protocol::CoordinatorType::transaction:
      return {ErrorCode::unsupported_version, "This broker does not serve transactions."};
    case protocol::CoordinatorType::share:
      return {ErrorCode::invalid_request, "This broker does not serve share groups."};
  }
  return {ErrorCode::invalid_request, "Unknown coordinator type " + std::to_string(static_cast<int>(type)) + "."};
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

void find_coordinator(const RequestContext& context, const protocol::FindCoordinatorRequest& request,
                      protocol::FindCoordinatorResponse& response) {
  auto [error, message] = why_no_coordinator(request.key_type);
  if (context.version() < several_keys_since) {
    response.error_code = error;
    response.error_message = std::move(message);
    response.node_id = -1;
    response.port = -1;
    return;
  }
  for (const std::string& key : request.coordinator_keys) {
    auto& answer = response.coordinators.emplace_back();
    answer.key = key;
    answer.node_id = -1;
    answer.port = -1;
    answer.error_code = error;
    answer.error_message = message;
  }
}

}  // namespace cms::broker
