// SPDX-License-Identifier: Apache-2.0
#include "broker/push/push_metrics.h"

#include <algorithm>

namespace cms::broker::push {

namespace {

// A label's value: what would end it is escaped, as the exposition format asks.
std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c == '\n' ? ' ' : c;
  }
  return result + '"';
}

}  // namespace

PushMetrics::PushMetrics(base::Registry& registry)
    : subscriptions(registry.gauge("cms_push_subscriptions", "Subscriptions of native clients.")),
      streams(registry.gauge("cms_push_streams", "Partitions that native clients are subscribed to.")),
      publications(registry.gauge("cms_push_publications", "Topics that native clients have opened to put records.")),
      pushed_records(registry.counter("cms_pushed_records_total", "Records pushed to native clients.")),
      pushed_bytes(registry.counter("cms_pushed_bytes_total", "Bytes of record batches pushed to native clients.")),
      in_place_bytes(registry.counter("cms_pushed_in_place_bytes_total",
                                      "Bytes of record batches that native clients were shown in the log's memory.")),
      shared_chunks(registry.counter("cms_push_shared_chunks_total",
                                     "Pieces of the log's memory that native clients have mapped.")),
      gaps(registry.counter("cms_push_gaps_total", "Times a subscriber was told that records are lost to it.")),
      ring_full(registry.counter("cms_push_ring_full_total", "Times a channel took no more and was waited for.")),
      puts(registry.counter("cms_push_puts_total", "Batches that native clients have put.")),
      refused_puts(registry.counter("cms_push_refused_puts_total", "Puts answered with an error.")),
      cold_reads(registry.counter("cms_push_cold_reads_total", "Reads of files for native clients.")),
      ended_for_violation(registry.counter("cms_push_channels_violating_total",
                                           "Channels ended because the client broke their rules.")) {
  for (std::size_t kind = 0; kind < channel_kinds; ++kind) {
    const auto name = transport::to_string(static_cast<transport::ChannelKind>(kind));
    channels_[kind] = &registry.gauge("cms_push_channels", "Channels of native clients, by kind.",
                                      "kind=\"" + std::string(name) + "\"");
  }
  registry.collector([this](std::string& text) { print(text); });
}

void PushMetrics::add(const std::shared_ptr<ChannelFigures>& figures) {
  const std::lock_guard lock(mutex_);
  figures_.push_back(figures);
}

void PushMetrics::remove(const std::shared_ptr<ChannelFigures>& figures) {
  const std::lock_guard lock(mutex_);
  std::erase(figures_, figures);
}

std::vector<std::shared_ptr<ChannelFigures>> PushMetrics::all() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

void PushMetrics::print(std::string& text) const {
  const std::lock_guard lock(mutex_);
  if (figures_.empty()) return;
  const auto series = [&](const std::string& name, std::string_view type, std::string_view help, auto&& value) {
    text.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
    text.append(name).append(" ").append(type).append("\n");
    for (std::size_t i = 0; i < std::min(figures_.size(), channels_shown_max); ++i) {
      const ChannelFigures& figures = *figures_[i];
      text.append(name).append("{client=").append(quoted(figures.client_id)).append(",kind=\"");
      text.append(transport::to_string(figures.kind)).append("\",channel=\"");
      text.append(std::to_string(figures.number)).append("\"} ").append(std::to_string(value(figures))).append("\n");
    }
  };
  constexpr auto relaxed = std::memory_order_relaxed;
  series("cms_push_channel_records_total", "counter", "Records pushed over a channel.",
         [](const ChannelFigures& f) { return f.records.load(relaxed); });
  series("cms_push_channel_bytes_total", "counter", "Bytes of record batches pushed over a channel.",
         [](const ChannelFigures& f) { return f.bytes.load(relaxed); });
  series("cms_push_channel_puts_total", "counter", "Batches put over a channel.",
         [](const ChannelFigures& f) { return f.puts.load(relaxed); });
  series("cms_push_channel_lag_records", "gauge", "Stable records a channel's subscriber was not sent yet.",
         [](const ChannelFigures& f) { return f.lag.load(relaxed); });
  series("cms_push_channel_room_bytes", "gauge", "Bytes a channel would take now.",
         [](const ChannelFigures& f) { return f.room.load(relaxed); });
  series("cms_push_channel_streams", "gauge", "Partitions delivered over a channel.",
         [](const ChannelFigures& f) { return f.streams.load(relaxed); });
}

}  // namespace cms::broker::push
