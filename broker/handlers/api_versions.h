// SPDX-License-Identifier: Apache-2.0
// ApiVersions: what this broker serves, from the table of handlers, and which features (KIP-584).
#pragma once

#include <span>
#include <string_view>

#include "broker/handlers/request.h"
#include "broker/handlers/table.h"
#include "broker/metadata/metadata.h"
#include "protocol/frame.h"
#include "protocol/messages/cluster.h"

namespace cms::broker {

// Our behaviour is that of Kafka 4.3, which tools read from this level. The levels of group.version,
// transaction.version and share.version are announced when there are groups, transactions and share groups.
inline constexpr std::string_view metadata_version_feature = "metadata.version";
inline constexpr std::int16_t metadata_version_level = 30;

// INVALID_REQUEST where the client's name or version is not as KIP-511 wants it.
void api_versions(std::span<const Handler> table, const Metadata& node, const RequestContext& context,
                  const protocol::ApiVersionsRequest& request, protocol::ApiVersionsResponse& response);

bool is_served_api_versions(protocol::Version version);

// The answer to a version that is not served: UNSUPPORTED_VERSION with the range of ApiVersions itself in the layout of
// version 0, whatever the request says, so that the client tries again (KIP-511).
void write_unsupported_api_versions(std::int32_t correlation_id, protocol::FrameBuffer& out);

// [a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?
bool is_software_name(std::string_view text);

}  // namespace cms::broker
