// SPDX-License-Identifier: Apache-2.0
// What members on the classic protocol tell each other in bytes (protocol type "consumer"), to and from the words of a
// consumer group.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "coordinator/assignors/assignor.h"
#include "coordinator/consumer/member.h"
#include "coordinator/topic_catalog.h"
#include "protocol/consumer_protocol.h"

namespace cms::coordinator {

// Topics ascending, without doubles. None when the bytes are not a subscription.
std::optional<protocol::ConsumerSubscription> read_subscription(base::ByteSpan metadata);

// In the version of the metadata that the member has sent. Topics that are gone are left out.
base::Bytes assignment_bytes(const Partitions& partitions, base::ByteSpan member_metadata, const TopicCatalog& topics);

// By topic id; topics that are gone are left out.
Partitions by_topic_id(const std::vector<protocol::ConsumerSubscription::TopicPartitions>& by_name,
                       const TopicCatalog& topics);

Partitions without_epochs(const OwnedPartitions& owned);
OwnedPartitions with_epoch(const Partitions& partitions, std::int32_t epoch);

}  // namespace cms::coordinator
