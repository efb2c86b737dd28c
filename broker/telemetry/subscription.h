// SPDX-License-Identifier: Apache-2.0
// What a subscription to clients' metrics asks for (KIP-714): which metrics, how often, from which clients. Pure.
#pragma once

#include <re2/re2.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "broker/config/config_value.h"

namespace cms::broker {

// What a client is known by.
struct ClientIdentity {
  base::Uuid instance_id;
  std::optional<std::string> client_id;
  std::string software_name = "unknown";
  std::string software_version = "unknown";
  std::string source_address;
  std::string source_port;  // empty: there is none
};

// One selector: an attribute of the client and what it has to be, as a whole. In the syntax of RE2: linear in the
// length of the attribute whatever the expression, which Java's backreferences are not.
class ClientSelector {
 public:
  static constexpr std::size_t text_bytes_max = 4096;
  static constexpr std::int64_t memory_bytes_max = 256 << 10;  // of a compiled expression

  // "client_id=orders-.*"; nothing when it is none.
  static std::optional<ClientSelector> parse(std::string_view text);

  bool matches(const ClientIdentity& client) const;
  std::string_view attribute() const;

 private:
  struct Attribute {
    std::string_view name;
    std::optional<std::string> (*value)(const ClientIdentity&);
  };
  static const Attribute attributes_[];

  const Attribute* attribute_ = nullptr;
  std::shared_ptr<const RE2> expression_;
};

struct Subscription {
  static constexpr std::int32_t interval_ms_default = 300'000;

  std::vector<std::string> metrics;  // prefixes of names; "*": all
  std::int32_t interval_ms = interval_ms_default;
  std::vector<ClientSelector> match;  // all of them; none: every client

  bool matches(const ClientIdentity& client) const;
};

// Of configs that were accepted.
Subscription read_subscription(const ConfigMap& configs);

// What all subscriptions that match a client ask of it together.
struct MergedSubscription {
  std::vector<std::string> metrics;  // sorted; one "*" stands for all
  std::int32_t interval_ms = Subscription::interval_ms_default;

  // Differs between clients too, so that the id of one is of no use to another.
  std::int32_t id_for(const base::Uuid& client_instance_id) const;
};

MergedSubscription merged(std::span<const Subscription> subscriptions, const ClientIdentity& client);

}  // namespace cms::broker
