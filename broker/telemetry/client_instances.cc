// SPDX-License-Identifier: Apache-2.0
#include "broker/telemetry/client_instances.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "records/decompress.h"

namespace cms::broker {

namespace {

using protocol::ErrorCode;

constexpr base::Uuid one{{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},
                          std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},
                          std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}}};

// Ids that Kafka keeps for itself.
bool is_reserved(const base::Uuid& id) { return id.is_zero() || id == one; }

bool is_accepted(std::int8_t compression) {
  return compression == 0 ||
         std::ranges::find(ClientInstances::compressions, compression) != std::end(ClientInstances::compressions);
}

// The greatest size is one that no honest client comes near; the bytes come out piece by piece.
ErrorCode decompress(std::int8_t compression, base::ByteSpan bytes, std::vector<std::byte>& plain) {
  constexpr std::size_t piece_bytes = 64 << 10;
  records::Decompressor decompressor;
  decompressor.open(static_cast<records::Codec>(compression), bytes);
  while (true) {
    const std::size_t size = plain.size();
    plain.resize(size + piece_bytes);
    const auto read = decompressor.read(std::span(plain).subspan(size));
    if (!read) return ErrorCode::invalid_record;
    plain.resize(size + *read);
    if (*read == 0) return ErrorCode::none;
    if (plain.size() > ClientInstances::uncompressed_bytes_max) return ErrorCode::telemetry_too_large;
  }
}

}  // namespace

ClientInstances::ClientInstances(const base::Clock& clock, const Subscriptions& subscriptions,
                                 std::size_t push_bytes_max, base::Registry& metrics, std::uint64_t seed)
    : clock_(clock),
      subscriptions_(subscriptions),
      push_bytes_max_(push_bytes_max),
      pushes_(metrics.counter("cms_client_metrics_pushes_total", "Pushes of clients' metrics that were taken.")),
      refused_(metrics.counter("cms_client_metrics_refused_total", "Pushes of clients' metrics that were refused.")),
      left_out_(metrics.counter("cms_client_metrics_left_out_total",
                                "Numbers in clients' pushes that are not shown: too many, or labels too long.")),
      random_(seed) {}

ClientTask ClientInstances::ask(ClientIdentity client) {
  const std::lock_guard lock(mutex_);
  forget_due();
  while (client.instance_id.is_zero() || (is_reserved(client.instance_id) && instances_.contains(client.instance_id))) {
    client.instance_id = base::Uuid::random(random_);
  }
  Instance& known = instance(std::move(client));
  const Time now = clock_.steady();
  const auto interval = std::chrono::milliseconds(known.subscription.interval_ms);
  const auto passed = [&](const std::optional<Time>& since) { return !since || now - *since >= interval; };
  const bool in_time = passed(known.asked_at) && passed(known.pushed_at);
  // Who was told that it asked for the wrong thing need not wait to ask again.
  const bool excused = known.last_error == ErrorCode::unknown_subscription_id ||
                       known.last_error == ErrorCode::unsupported_compression_type;
  if (!in_time && !excused) return {.error = ErrorCode::throttling_quota_exceeded};
  if (in_time) {
    known.asked_at = now;
    known.pushed_since_asked = false;
  }
  known.terminating = false;
  known.last_error = ErrorCode::none;
  return {.client_instance_id = known.identity.instance_id,
          .subscription_id = known.subscription_id,
          .subscription = known.subscription};
}

ErrorCode ClientInstances::admit(const ClientIdentity& client, const ClientPush& push) {
  if (is_reserved(client.instance_id)) {
    refused_.add();
    return ErrorCode::invalid_request;
  }
  const std::lock_guard lock(mutex_);
  forget_due();
  Instance& known = instance(client);
  known.last_error = check(known, push);
  if (known.last_error != ErrorCode::none) {
    refused_.add();
  } else if (push.terminating) {
    keep_until(known, clock_.steady() + silence_least);
  }
  return known.last_error;
}

// In Kafka's order. A client waits up to one and a half intervals, or only half of one, before the push that follows
// its question, so that not all push at once: that push is in time whenever it comes.
ErrorCode ClientInstances::check(Instance& known, const ClientPush& push) {
  if (known.terminating) return ErrorCode::invalid_request;
  const Time now = clock_.steady();
  const auto interval = std::chrono::milliseconds(known.subscription.interval_ms);
  if (!known.pushed_since_asked || !known.pushed_at || now - *known.pushed_at >= interval) {
    known.pushed_at = now;
    known.pushed_since_asked = true;
  } else if (!push.terminating) {
    return ErrorCode::throttling_quota_exceeded;
  }
  known.terminating = push.terminating;
  if (push.subscription_id != known.subscription_id) return ErrorCode::unknown_subscription_id;
  if (!is_accepted(push.compression)) return ErrorCode::unsupported_compression_type;
  if (push.bytes > push_bytes_max_) return ErrorCode::telemetry_too_large;
  return ErrorCode::none;
}

ErrorCode ClientInstances::take(const base::Uuid& client_instance_id, std::int8_t compression, base::ByteSpan bytes) {
  CHECK(is_accepted(compression));
  const auto refuse = [this](ErrorCode error) {
    refused_.add();
    return error;
  };
  std::vector<std::byte> plain;
  if (const ErrorCode error = decompress(compression, bytes, plain); error != ErrorCode::none) return refuse(error);
  std::unique_lock lock(mutex_);
  const auto found = instances_.find(client_instance_id);
  if (found == instances_.end()) return ErrorCode::none;  // too many came meanwhile
  const auto before = found->second.series ? found->second.series : std::make_shared<const ClientSeries>();
  lock.unlock();
  std::size_t left_out = 0;
  auto after = before->after(plain, left_out);
  if (!after) return refuse(ErrorCode::invalid_record);
  lock.lock();
  const auto again = instances_.find(client_instance_id);
  if (again == instances_.end()) return ErrorCode::none;
  Instance& known = again->second;
  if (fits(known, **after)) {
    series_count_ -= known.series ? known.series->size() : 0;
    series_count_ += (*after)->size();
    known.series = std::move(*after);
  } else {
    left_out += (*after)->size();
  }
  pushes_.add();
  left_out_.add(left_out);
  return ErrorCode::none;
}

bool ClientInstances::fits(const Instance& known, const ClientSeries& series) const {
  return series_count_ - (known.series ? known.series->size() : 0) + series.size() <= series_max;
}

std::size_t ClientInstances::client_count() const {
  const std::lock_guard lock(mutex_);
  return instances_.size();
}

void ClientInstances::print(std::string& text) {
  std::vector<std::pair<std::string, std::shared_ptr<const ClientSeries>>> shown;
  {
    const std::lock_guard lock(mutex_);
    forget_due();
    for (const auto& [id, known] : instances_) {
      if (known.series == nullptr) continue;
      std::string labels;
      append_label(labels, "client_id", known.identity.client_id.value_or(""));
      append_label(labels, "client_instance_id", id.to_string());
      shown.emplace_back(std::move(labels), known.series);
    }
  }
  text.append("# HELP ").append(client_metric_family).append(" What clients measure about themselves and push.\n");
  text.append("# TYPE ").append(client_metric_family).append(" gauge\n");
  for (const auto& [labels, series] : shown) series->print(labels, text);
}

ClientInstances::Instance& ClientInstances::instance(ClientIdentity client) {
  const base::Uuid id = client.instance_id;
  auto found = instances_.find(id);
  if (found == instances_.end()) {
    if (instances_.size() >= clients_max) forget(base::Uuid(due_.begin()->second));
    found = instances_.try_emplace(id).first;
    found->second.identity = std::move(client);
    found->second.due = due_.emplace(Time::max(), id);
  }
  Instance& known = found->second;
  if (known.version != subscriptions_.version()) subscribe(known);
  const auto silence = std::chrono::milliseconds(known.subscription.interval_ms) * 3;
  keep_until(known, clock_.steady() + std::max<Time>(silence, silence_least));
  return known;
}

// Begins anew: what a client was told of other subscriptions is no reason to wait.
void ClientInstances::subscribe(Instance& known) {
  known.version = subscriptions_.version();
  MergedSubscription subscription = subscriptions_.merged_for(known.identity);
  if (subscription.metrics != known.subscription.metrics && known.series != nullptr) {
    series_count_ -= known.series->size();
    known.series = nullptr;
  }
  known.subscription = std::move(subscription);
  known.subscription_id = known.subscription.id_for(known.identity.instance_id);
  known.asked_at.reset();
  known.pushed_at.reset();
  known.pushed_since_asked = true;
  known.terminating = false;
  known.last_error = ErrorCode::none;
}

void ClientInstances::keep_until(Instance& known, Time due) {
  auto node = due_.extract(known.due);
  node.key() = due;
  known.due = due_.insert(std::move(node));
}

void ClientInstances::forget(const base::Uuid& id) {
  const auto found = instances_.find(id);
  CHECK(found != instances_.end());
  if (found->second.series) series_count_ -= found->second.series->size();
  due_.erase(found->second.due);
  instances_.erase(found);
}

void ClientInstances::forget_due() {
  const Time now = clock_.steady();
  while (!due_.empty() && due_.begin()->first <= now) forget(base::Uuid(due_.begin()->second));
}

}  // namespace cms::broker
