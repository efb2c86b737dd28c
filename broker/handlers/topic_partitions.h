// SPDX-License-Identifier: Apache-2.0
// DescribeTopicPartitions (KIP-966): topics page by page, so that no answer grows with the cluster.
#pragma once

#include "broker/handlers/request.h"
#include "broker/topics/topics.h"
#include "protocol/messages/describe.h"

namespace cms::broker {

// A page holds at most as many partitions as the request wants, and never more than this.
inline constexpr std::int32_t described_partitions_max = 2000;

void describe_topic_partitions(const Topics& topics, const RequestContext& context,
                               const protocol::DescribeTopicPartitionsRequest& request,
                               protocol::DescribeTopicPartitionsResponse& response);

}  // namespace cms::broker
