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

// Our behaviour is that of Kafka 4.3, which tools read from metadata.version. group.version 1 says that there is the
// consumer protocol of KIP-848. The levels of transaction.version and share.version are announced when there are
// transactions and share groups.
struct Feature {
  std::string_view name;
  std::int16_t level_min;  // supported; 0: it can be off; not told as supported before version 4
  std::int16_t level;      // supported and finalized
};
inline constexpr Feature features[] = {{"group.version", 0, 1}, {"metadata.version", 30, 30}};

// INVALID_REQUEST where the client's name or version is not as KIP-511 wants it; otherwise they are noted in its Peer.
void api_versions(std::span<const Handler> table, const Metadata& node, const RequestContext& context,
                  const protocol::ApiVersionsRequest& request, protocol::ApiVersionsResponse& response);

bool is_served_api_versions(protocol::Version version);

// The answer to a version that is not served: UNSUPPORTED_VERSION with the range of ApiVersions itself in the layout of
// version 0, whatever the request says, so that the client tries again (KIP-511).
void write_unsupported_api_versions(std::int32_t correlation_id, protocol::FrameBuffer& out);

// [a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?
bool is_software_name(std::string_view text);

}  // namespace cms::broker
