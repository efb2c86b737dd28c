// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/cold_fetch.h"

namespace cms::broker {

ColdFetch::ColdFetch(Core& core, FetchHandler& handler, const FetchParameters& parameters, FetchContext context,
                     std::vector<ColdPartition> cold)
    : Pending(core), handler_(handler), parameters_(parameters), context_(std::move(context)), cold_(std::move(cold)) {}

void ColdFetch::begin() {
  self_ = shared_from_this();
  remaining_ = cold_.size();
  std::size_t bytes = 0;
  for (const ColdPartition& cold : cold_) bytes += cold.range.bytes;
  hold(bytes);
  readings_.reserve(cold_.size());
  for (const ColdPartition& cold : cold_) {
    const ColdRead::Wanted wanted{cold.wanted->fetch_offset, cold.below, cold.bytes_max};
    readings_.push_back(std::make_unique<ColdRead>(core().files(), core().read_buffers(), cold.range, wanted));
  }
  for (std::size_t i = 0; i < cold_.size(); ++i) {
    readings_[i]->start([this, i](base::Bytes records) { finished(cold_[i], std::move(records)); });
  }
}

void ColdFetch::answer(protocol::FrameBuffer& out) {
  handler_.collect(parameters_, context_, &cold_);
  handler_.write(parameters_, context_, out);
}

void ColdFetch::finished(ColdPartition& cold, base::Bytes records) {
  cold.records = std::move(records);
  if (--remaining_ > 0) return;
  const std::shared_ptr<Wakeable> self = std::move(self_);
  self->wake();
}

}  // namespace cms::broker
