// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/dispatcher.h"

#include "broker/handlers/api_versions.h"

namespace cms::broker {

namespace {

std::size_t index_of(protocol::ApiKey key) {
  return static_cast<std::size_t>(key) -
         (protocol::is_private(key) ? static_cast<std::size_t>(protocol::ApiKey::open_channel) : 0);
}

}  // namespace

RequestMetrics::RequestMetrics(base::Registry& registry)
    : refused_(registry.counter("cms_requests_refused_total",
                                "Requests that closed their connection: unknown API or "
                                "version, or a message that does not parse.")),
      produce_{registry.counter("cms_produced_records_total", "Records appended."),
               registry.counter("cms_produced_bytes_total", "Bytes of record batches appended."),
               registry.counter("cms_refused_batches_total", "Batches answered with an error.")},
      fetch_{registry.counter("cms_fetched_bytes_total", "Bytes of record batches sent to fetches."),
             registry.counter("cms_parked_fetches_total", "Fetches that waited for records."),
             registry.counter("cms_cold_reads_total", "Partitions of fetches that were read from files.")} {
  for (const Handler& handler : handler_table()) {
    std::vector<base::Counter*>& counters = protocol::is_private(handler.key) ? by_private_key_ : by_key_;
    const std::size_t index = index_of(handler.key);
    if (counters.size() <= index) counters.resize(index + 1, nullptr);
    counters[index] = &registry.counter("cms_requests_total", "Requests served, by API.",
                                        "api=\"" + std::string(protocol::name_of(handler.key)) + "\"");
  }
}

base::Counter& RequestMetrics::requests(protocol::ApiKey key) const {
  return *(protocol::is_private(key) ? by_private_key_ : by_key_)[index_of(key)];
}

Dispatcher::Dispatcher(Services& services, const RequestMetrics& metrics, push::PushCore& push)
    : metrics_(metrics),
      appender_(services.clock, metrics.produce()),
      produce_(services.topics, appender_),
      fetch_(services.topics, services.fetch_sessions, static_cast<std::size_t>(services.options.fetch_max_bytes),
             metrics.fetch()),
      handlers_{services, produce_, fetch_, push} {}

Served Dispatcher::serve(Core& core, Peer& peer, base::ByteSpan frame, protocol::FrameBuffer& out) {
  const auto body = protocol::read_request_header(frame, header_);
  const auto refuse = [&](std::string why) {
    metrics_.refused().add();
    return Served::refuse(std::move(why));
  };
  // ApiVersions is answered whatever its version, so that the client can try again with one that works (KIP-511): its
  // header may be of a version unknown to us, of which only the first fields are needed.
  if (header_.api_key == protocol::ApiKey::api_versions && !is_served_api_versions(header_.api_version)) {
    metrics_.requests(header_.api_key).add();
    write_unsupported_api_versions(header_.correlation_id, out);
    return Served::answered();
  }
  if (!body) return refuse(body.error().message());
  const Handler* const handler = find_handler(header_.api_key);
  if (handler == nullptr) return refuse("API " + std::to_string(static_cast<int>(header_.api_key)) + " is not served");
  if (!handler->versions.contains(header_.api_version)) {
    return refuse(std::string(protocol::name_of(header_.api_key)) + " version " + std::to_string(header_.api_version) +
                  " is not served");
  }
  metrics_.requests(header_.api_key).add();
  Served served = handler->serve(handlers_, core, {header_, peer}, *body, out);
  if (served.kind == Served::Kind::refused) metrics_.refused().add();
  return served;
}

}  // namespace cms::broker
