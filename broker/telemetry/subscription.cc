// SPDX-License-Identifier: Apache-2.0
#include "broker/telemetry/subscription.h"

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "base/crc32c.h"

namespace cms::broker {

namespace {

constexpr std::string_view all_metrics = "*";

std::optional<std::string> given(const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); }

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

const ClientSelector::Attribute ClientSelector::attributes_[] = {
    {"client_id", [](const ClientIdentity& c) { return c.client_id; }},
    {"client_instance_id", [](const ClientIdentity& c) { return std::optional(c.instance_id.to_string()); }},
    {"client_software_name", [](const ClientIdentity& c) { return std::optional(c.software_name); }},
    {"client_software_version", [](const ClientIdentity& c) { return std::optional(c.software_version); }},
    {"client_source_address", [](const ClientIdentity& c) { return given(c.source_address); }},
    {"client_source_port", [](const ClientIdentity& c) { return given(c.source_port); }},
};

// Kafka splits at every '=' and forgets empty parts at the end: there have to be two.
std::optional<ClientSelector> ClientSelector::parse(std::string_view text) {
  if (text.size() > text_bytes_max) return std::nullopt;
  while (text.ends_with('=')) text.remove_suffix(1);
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || text.find('=', equals + 1) != std::string_view::npos) return std::nullopt;
  const auto* const known = std::ranges::find(attributes_, trimmed(text.substr(0, equals)), &Attribute::name);
  if (known == std::end(attributes_)) return std::nullopt;
  RE2::Options options(RE2::Quiet);
  options.set_max_mem(memory_bytes_max);
  options.set_never_capture(true);
  ClientSelector selector;
  selector.attribute_ = known;
  selector.expression_ = std::make_shared<const RE2>(piece(trimmed(text.substr(equals + 1))), options);
  if (!selector.expression_->ok()) return std::nullopt;
  return selector;
}

bool ClientSelector::matches(const ClientIdentity& client) const {
  const std::optional<std::string> value = attribute_->value(client);
  return value && RE2::FullMatch(piece(*value), *expression_);
}

std::string_view ClientSelector::attribute() const { return attribute_->name; }

bool Subscription::matches(const ClientIdentity& client) const {
  return std::ranges::all_of(match, [&](const ClientSelector& selector) { return selector.matches(client); });
}

Subscription read_subscription(const ConfigMap& configs) {
  const auto text = [&configs](std::string_view name) {
    const auto found = configs.find(name);
    return found == configs.end() ? std::string() : found->second;
  };
  Subscription subscription;
  subscription.metrics = split_list(text("metrics"));
  subscription.interval_ms = parse_int(text("interval.ms")).value_or(Subscription::interval_ms_default);
  for (const std::string& part : split_list(text("match"))) {
    auto selector = ClientSelector::parse(part);
    if (!selector) continue;
    // As Kafka: of two for one attribute the last holds.
    std::erase_if(subscription.match,
                  [&](const ClientSelector& other) { return other.attribute() == selector->attribute(); });
    subscription.match.push_back(std::move(*selector));
  }
  return subscription;
}

MergedSubscription merged(std::span<const Subscription> subscriptions, const ClientIdentity& client) {
  MergedSubscription together;
  std::set<std::string> metrics;
  for (const Subscription& subscription : subscriptions) {
    if (!subscription.matches(client)) continue;
    metrics.insert(subscription.metrics.begin(), subscription.metrics.end());
    together.interval_ms = std::min(together.interval_ms, subscription.interval_ms);
  }
  if (metrics.contains(std::string(all_metrics))) {
    together.metrics = {std::string(all_metrics)};
  } else {
    together.metrics.assign(metrics.begin(), metrics.end());
  }
  return together;
}

std::int32_t MergedSubscription::id_for(const base::Uuid& client_instance_id) const {
  std::uint32_t crc = base::crc32c(client_instance_id.bytes);
  for (const std::string& metric : metrics) crc = base::crc32c(base::as_bytes(metric + ','), crc);
  return static_cast<std::int32_t>(base::crc32c(base::as_bytes(std::to_string(interval_ms)), crc));
}

}  // namespace cms::broker
