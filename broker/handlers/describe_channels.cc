// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "broker/handlers/native.h"
#include "broker/handlers/serve.h"
#include "broker/push/access.h"
#include "broker/push/push_core.h"
#include "protocol/messages/native.h"

namespace cms::broker {

namespace {

using protocol::DescribeChannelsRequest;
using protocol::DescribeChannelsResponse;
using push::ChannelFigures;

// What an answer is bounded by: some 80 KB.
constexpr std::size_t channels_told_max = push::PushMetrics::channels_shown_max;
constexpr std::size_t client_id_bytes_max = 128;

constexpr auto relaxed = std::memory_order_relaxed;

// Not in the middle of a character of UTF-8.
std::string beginning_of(const std::string& text) {
  std::size_t length = std::min(text.size(), client_id_bytes_max);
  while (length > 0 && length < text.size() && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) --length;
  return text.substr(0, length);
}

DescribeChannelsResponse::Channel row_of(const ChannelFigures& figures, std::int64_t lag) {
  DescribeChannelsResponse::Channel row;
  row.number = static_cast<std::int64_t>(figures.number);
  row.client_id = beginning_of(figures.client_id);
  row.address = figures.address;
  row.kind = static_cast<std::int8_t>(figures.kind);
  row.ring_bytes = static_cast<std::int64_t>(figures.ring_bytes);
  row.room_bytes = static_cast<std::int64_t>(figures.room.load(relaxed));
  row.subscriptions = static_cast<std::int32_t>(figures.subscriptions.load(relaxed));
  row.streams = static_cast<std::int32_t>(figures.streams.load(relaxed));
  row.lag = lag;
  row.records = static_cast<std::int64_t>(figures.records.load(relaxed));
  row.bytes = static_cast<std::int64_t>(figures.bytes.load(relaxed));
  row.puts = static_cast<std::int64_t>(figures.puts.load(relaxed));
  return row;
}

void describe(const push::PushMetrics& metrics, std::size_t channels_max, DescribeChannelsResponse& response) {
  struct Lagging {
    std::int64_t lag;
    const ChannelFigures* figures;
  };
  const auto all = metrics.all();
  std::vector<Lagging> order;  // lags change while one sorts by them
  order.reserve(all.size());
  for (const auto& figures : all) order.push_back({figures->lag.load(relaxed), figures.get()});
  const auto told = static_cast<std::ptrdiff_t>(std::min(all.size(), channels_max));
  std::partial_sort(order.begin(), order.begin() + told, order.end(), [](const Lagging& a, const Lagging& b) {
    return a.lag != b.lag ? a.lag > b.lag : a.figures->number < b.figures->number;
  });
  order.resize(static_cast<std::size_t>(told));
  response.total = static_cast<std::int32_t>(all.size());
  for (const Lagging& one : order) response.channels.push_back(row_of(*one.figures, one.lag));
}

}  // namespace

Served serve_describe_channels(CoreHandlers& handlers, Core&, const RequestContext& context, base::ByteSpan body,
                               protocol::FrameBuffer& out) {
  return with_request<DescribeChannelsRequest>(context, body, [&](const DescribeChannelsRequest& request) {
    DescribeChannelsResponse response;
    if (!push::may_describe_channels(context.peer)) {
      response.error_code = ErrorCode::cluster_authorization_failed;
    } else if (request.channels_max < 0) {
      response.error_code = ErrorCode::invalid_request;
    } else {
      const auto wanted = static_cast<std::size_t>(request.channels_max);
      describe(handlers.push.metrics(), wanted == 0 ? channels_told_max : std::min(wanted, channels_told_max),
               response);
    }
    write_response(context.version(), context.header.correlation_id, response, out);
    return Served::answered();
  });
}

}  // namespace cms::broker
