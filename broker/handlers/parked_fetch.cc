// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/parked_fetch.h"

namespace cms::broker {

ParkedFetch::ParkedFetch(Core& core, FetchHandler& handler, const FetchParameters& parameters, FetchContext context)
    : Pending(core), handler_(handler), parameters_(parameters), context_(std::move(context)) {}

void ParkedFetch::begin() {
  core().deadlines().add(*this, std::chrono::steady_clock::now() + parameters_.max_wait);
  context_.listen(*this);
  waiters_.reserve(context_.partitions().awake());  // registered waiters must not move
  for (const FetchPartition& wanted : context_.partitions()) {
    TopicHandle topic = handler_.find(parameters_, wanted);
    Partition* const partition = topic == nullptr ? nullptr : topic->partition(wanted.partition);
    if (partition == nullptr) return wake();  // it was there a moment ago: answer with the error
    Waiter& waiter = waiters_.emplace_back(*this);
    waiter.topic = std::move(topic);
    waiter.partition = partition;
    waiter.offset = wanted.fetch_offset;
    watch(waiter);
  }
}

void ParkedFetch::watch(Waiter& waiter) {
  while (true) {
    const Offset stable = waiter.partition->positions().stable;
    if (count(waiter, waiter.partition->available(waiter.offset, parameters_.min_bytes, false))) return;
    // More may have become stable meanwhile: then it is not registered, and counted anew.
    if (waiter.partition->await_stable(waiter, stable + 1)) return;
    if (waiter.partition->state() != ErrorCode::none) return wake();
  }
}

bool ParkedFetch::count(Waiter& waiter, std::size_t available) {
  if (available <= waiter.counted) return false;
  const std::size_t added = available - waiter.counted;
  waiter.counted = available;
  return more(added);
}

bool ParkedFetch::more(std::size_t bytes) {
  if (bytes_.fetch_add(bytes, std::memory_order_acq_rel) + bytes < parameters_.min_bytes) return false;
  wake();
  return true;
}

bool ParkedFetch::Waiter::reached(Partition& told_by, Offset) {
  return owner->count(*this, told_by.available(offset, owner->parameters_.min_bytes, true));
}

void ParkedFetch::Waiter::lost(ErrorCode) { owner->wake(); }

void ParkedFetch::answer(protocol::FrameBuffer& out) {
  let_go();
  context_.look_again();
  handler_.collect(parameters_, context_, nullptr);
  handler_.write(parameters_, context_, out);
}

void ParkedFetch::let_go() {
  context_.let_go();
  for (Waiter& waiter : waiters_) waiter.partition->forget(waiter);
}

}  // namespace cms::broker
