// SPDX-License-Identifier: Apache-2.0
// The embedded protocol of consumers: what a member of a classic group says in its metadata (protocol type "consumer")
// and what it is assigned. For clients, tools, and a coordinator that converts a group between the two protocols.
//
// Version 1: the partitions owned (KIP-429); 2: the generation they were got in (KIP-792); 3: the rack (KIP-881). Other
// software writes newer versions: read() takes them as the newest known one, as Kafka does. User data is the
// assignor's own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/byte_fields.h"
#include "protocol/fields.h"
#include "protocol/version.h"

namespace cms::protocol {

inline constexpr std::string_view consumer_protocol_type = "consumer";

struct ConsumerSubscription {
  static constexpr VersionRange versions{0, 3};
  static constexpr Version flexible_since = 4;  // none of them is

  struct TopicPartitions {
    std::string topic;
    std::vector<std::int32_t> partitions;

    static constexpr void fields(auto&& field) {
      field(member<&TopicPartitions::topic>);
      field(member<&TopicPartitions::partitions>);
    }
  };

  std::vector<std::string> topics;
  std::optional<SharedBytes> user_data;
  std::vector<TopicPartitions> owned_partitions;
  std::int32_t generation_id = -1;
  std::optional<std::string> rack_id;

  static constexpr void fields(auto&& field) {
    field(member<&ConsumerSubscription::topics>);
    field(member<&ConsumerSubscription::user_data>);
    field(member<&ConsumerSubscription::owned_partitions>, Since{1});
    field(member<&ConsumerSubscription::generation_id>, Since{2});
    field(member<&ConsumerSubscription::rack_id>, Since{3});
  }
};

struct ConsumerAssignment {
  static constexpr VersionRange versions{0, 3};
  static constexpr Version flexible_since = 4;  // none of them is

  using TopicPartitions = ConsumerSubscription::TopicPartitions;

  std::vector<TopicPartitions> assigned_partitions;
  std::optional<SharedBytes> user_data;

  static constexpr void fields(auto&& field) {
    field(member<&ConsumerAssignment::assigned_partitions>);
    field(member<&ConsumerAssignment::user_data>);
  }
};

// The version that the bytes say, which may be above what is known. `unsupported` for a negative version, `invalid` for
// bytes that do not parse. Everything read is a copy. Bytes after the last field are ignored.
base::Result<Version> read(base::ByteSpan bytes, ConsumerSubscription& into);
base::Result<Version> read(base::ByteSpan bytes, ConsumerAssignment& into);

// `version` must be one of T::versions.
base::Bytes to_bytes(const ConsumerSubscription& subscription, Version version);
base::Bytes to_bytes(const ConsumerAssignment& assignment, Version version);

}  // namespace cms::protocol
