// SPDX-License-Identifier: Apache-2.0
// Any text as a subscription's selectors, any text as a client's id: refused, or tried in bounded time and memory, and
// what is accepted is accepted again as it is kept.
#include <string>

#include "base/check.h"
#include "broker/telemetry/subscription.h"
#include "broker/telemetry/subscription_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cms::broker;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(text.find('\n'), text.size());
  const ConfigOperation operation{"match", ConfigOperation::Kind::set, std::string(text.substr(0, end))};
  const ConfigOutcome outcome = alter_subscription_config({}, {&operation, 1});
  if (!outcome) {
    CHECK(!outcome.refusal().message.empty());
    return 0;
  }
  const ConfigOperation kept{"match", ConfigOperation::Kind::set, outcome->at("match")};
  const ConfigOutcome again = alter_subscription_config({}, {&kept, 1});
  CHECK(again && *again == *outcome);
  const ClientIdentity client{.client_id = std::string(text.substr(std::min(end + 1, text.size())))};
  const Subscription subscription = read_subscription(*outcome);
  const MergedSubscription mine = merged({&subscription, 1}, client);
  CHECK(mine.metrics.empty() && mine.interval_ms == Subscription::interval_ms_default);
  return 0;
}
