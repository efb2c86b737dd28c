// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/producers.h"

namespace cms::broker {

namespace {

// As Kafka's transaction.max.timeout.ms.
constexpr std::int32_t transaction_timeout_ms_max = 15 * 60 * 1000;

ErrorCode refusal_of(const protocol::InitProducerIdRequest& request) {
  const bool has_id = request.producer_id != records::no_producer_id;
  const bool has_epoch = request.producer_epoch != records::no_producer_epoch;
  if (has_id != has_epoch) return ErrorCode::invalid_request;
  if (!request.transactional_id) return ErrorCode::none;
  if (request.transactional_id->empty()) return ErrorCode::invalid_request;
  if (request.transaction_timeout_ms <= 0 || request.transaction_timeout_ms > transaction_timeout_ms_max) {
    return ErrorCode::invalid_transaction_timeout;
  }
  return ErrorCode::unsupported_version;
}

}  // namespace

base::Result<std::int64_t> ProducerIds::next() {
  const std::lock_guard lock(mutex_);
  if (next_ == end_) {
    const auto block = metadata_.reserve_producer_ids();
    if (!block) return block.error();
    next_ = block->first;
    end_ = block->first + block->count;
  }
  return next_++;
}

void init_producer_id(ProducerIds& ids, const RequestContext&, const protocol::InitProducerIdRequest& request,
                      protocol::InitProducerIdResponse& response) {
  response.producer_epoch = records::no_producer_epoch;
  response.error_code = refusal_of(request);
  if (response.error_code != ErrorCode::none) return;
  // Without a transactional id nobody is fenced: an id that the client had before is only replaced.
  const auto id = ids.next();
  if (!id) {
    // Retried by clients; the reason is in the log of whoever writes the metadata.
    response.error_code = ErrorCode::coordinator_load_in_progress;
    return;
  }
  response.producer_id = *id;
  response.producer_epoch = 0;
}

}  // namespace cms::broker
