// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/api_versions.h"

#include <algorithm>

namespace cms::broker {

namespace {

// The first version in which the client says what it is.
constexpr protocol::Version software_since = 3;

// What this project's own clients call themselves. They alone are told of private keys.
constexpr std::string_view own_software_name = "cms";

// The first version whose readers take a feature that is supported from level 0 on (KIP-1022).
constexpr protocol::Version level_zero_since = 4;

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

protocol::ApiVersionsResponse::Api shown(const Handler& handler) {
  return {.api_key = handler.key, .min_version = handler.advertised.first, .max_version = handler.advertised.last};
}

void announce(const Feature& feature, protocol::Version version, protocol::ApiVersionsResponse& response) {
  if (feature.level_min > 0 || version >= level_zero_since) {
    response.supported_features.push_back(
        {.name = std::string(feature.name), .min_version = feature.level_min, .max_version = feature.level});
  }
  response.finalized_features.push_back(
      {.name = std::string(feature.name), .max_version_level = feature.level, .min_version_level = feature.level});
}

}  // namespace

bool is_software_name(std::string_view text) {
  if (text.empty() || !is_letter_or_digit(text.front()) || !is_letter_or_digit(text.back())) return false;
  return std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.'; });
}

void api_versions(std::span<const Handler> table, const Metadata& node, const RequestContext& context,
                  const protocol::ApiVersionsRequest& request, protocol::ApiVersionsResponse& response) {
  if (context.version() >= software_since &&
      (!is_software_name(request.client_software_name) || !is_software_name(request.client_software_version))) {
    response.error_code = ErrorCode::invalid_request;
    return;
  }
  if (context.version() >= software_since) {
    context.peer.software_name = request.client_software_name.substr(0, Peer::software_bytes_max);
    context.peer.software_version = request.client_software_version.substr(0, Peer::software_bytes_max);
  }
  response.api_keys.reserve(table.size());
  const bool ours = context.version() >= software_since && request.client_software_name == own_software_name;
  for (const Handler& handler : table) {
    if (ours || !protocol::is_private(handler.key)) response.api_keys.push_back(shown(handler));
  }
  std::ranges::sort(response.api_keys, {}, &protocol::ApiVersionsResponse::Api::api_key);
  // Levels change only with the program, so with a start: clients take what comes with a higher epoch.
  response.finalized_features_epoch = node.boots();
  for (const Feature& feature : features) announce(feature, context.version(), response);
}

bool is_served_api_versions(protocol::Version version) {
  return protocol::ApiVersionsRequest::versions.contains(version);
}

void write_unsupported_api_versions(std::int32_t correlation_id, protocol::FrameBuffer& out) {
  constexpr protocol::VersionRange served = protocol::ApiVersionsRequest::versions;
  protocol::ApiVersionsResponse response;
  response.error_code = ErrorCode::unsupported_version;
  response.api_keys.push_back(
      {.api_key = protocol::ApiKey::api_versions, .min_version = served.first, .max_version = served.last});
  protocol::write_response(0, correlation_id, response, out);
}

}  // namespace cms::broker
