// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/fetch_news.h"

namespace cms::broker {

bool PartitionWatch::start(Partition& partition, Offset stable, Offset start) {
  offset_ = stable;
  partition_ = &partition;
  lifetime_ = partition.weak_from_this();
  if (partition.await_news(*this, stable, start)) return true;
  partition_ = nullptr;
  return false;
}

// A partition empties its list before it goes, so one that has gone knows nothing of this any more.
void PartitionWatch::stop() {
  if (partition_ == nullptr) return;
  if (const auto alive = lifetime_.lock()) partition_->forget(*this);
  partition_ = nullptr;
  news_.remove(*this);
}

bool PartitionWatch::reached(Partition& partition, Offset) { return news_.tell(*this, partition); }

void PartitionWatch::lost(ErrorCode) { news_.tell_lost(*this); }

// A client that waits for records is not woken by it: it learns of it with the next answer.
void PartitionWatch::start_moved() {
  const std::lock_guard lock(news_.mutex_);
  news_.list(*this);
}

bool FetchNews::tell(PartitionWatch& watch, Partition& partition) {
  const std::lock_guard lock(mutex_);
  list(watch);
  if (listener_ == nullptr) return true;
  const std::size_t available = partition.available(watch.offset_, listener_->bytes_wanted(), true);
  if (available <= watch.counted_) return false;
  const std::size_t more = available - watch.counted_;
  watch.counted_ = available;
  return listener_->more(more);
}

void FetchNews::tell_lost(PartitionWatch& watch) {
  const std::lock_guard lock(mutex_);
  list(watch);
  if (listener_ != nullptr) listener_->lost();
}

void FetchNews::list(PartitionWatch& watch) {
  if (!watch.ListedHook::is_linked()) listed_.push_back(watch);
}

void FetchNews::remove(PartitionWatch& watch) {
  const std::lock_guard lock(mutex_);
  watch.counted_ = 0;
  if (watch.ListedHook::is_linked()) listed_.erase(listed_.iterator_to(watch));
}

PartitionWatch* FetchNews::take() {
  const std::lock_guard lock(mutex_);
  return listed_.empty() ? nullptr : &listed_.front();
}

bool FetchNews::attach(NewsListener& listener) {
  const std::lock_guard lock(mutex_);
  if (!listed_.empty()) return false;
  listener_ = &listener;
  return true;
}

void FetchNews::detach() {
  const std::lock_guard lock(mutex_);
  listener_ = nullptr;
}

}  // namespace cms::broker
