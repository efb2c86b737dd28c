// SPDX-License-Identifier: Apache-2.0
// Topics made, grown, cut and deleted by tools. Each function blocks until its changes are durable; every item of a
// request is judged by itself. Refusals carry Kafka's words.
#pragma once

#include "broker/config/options.h"
#include "broker/handlers/request.h"
#include "broker/metadata/metadata.h"
#include "broker/topics/topics.h"
#include "protocol/messages/topics.h"

namespace cms::broker {

void create_topics(Topics& topics, const Metadata& node, const RequestContext& context,
                   const protocol::CreateTopicsRequest& request, protocol::CreateTopicsResponse& response);

void delete_topics(Topics& topics, const Options& options, const RequestContext& context,
                   const protocol::DeleteTopicsRequest& request, protocol::DeleteTopicsResponse& response);

void create_partitions(Topics& topics, const Metadata& node, const RequestContext& context,
                       const protocol::CreatePartitionsRequest& request, protocol::CreatePartitionsResponse& response);

void delete_records(const Topics& topics, const RequestContext& context, const protocol::DeleteRecordsRequest& request,
                    protocol::DeleteRecordsResponse& response);

}  // namespace cms::broker
