// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/fetch_sessions.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"

namespace cms::broker {

using protocol::ErrorCode;

namespace {

constexpr std::int32_t no_session = 0;
constexpr std::int32_t epoch_of_new_session = 0;
constexpr std::int32_t epoch_without_session = -1;

// The first version whose topics are ids.
constexpr protocol::Version topic_ids_since = 13;

std::int32_t epoch_after(std::int32_t epoch) {
  return epoch == std::numeric_limits<std::int32_t>::max() ? 1 : epoch + 1;
}

std::size_t listed_partitions(const protocol::FetchRequest& request) {
  std::size_t count = 0;
  for (const auto& topic : request.topics) count += topic.partitions.size();
  return count;
}

}  // namespace

FetchContext& FetchContext::operator=(FetchContext&& other) noexcept {
  if (this == &other) return *this;
  release();
  session_ = std::move(other.session_);
  incremental_ = other.incremental_;
  own_ = std::move(other.own_);
  return *this;
}

void FetchContext::release() {
  if (session_) session_->leased_.store(false, std::memory_order_release);
  session_.reset();
  incremental_ = false;
}

void FetchContext::listen(NewsListener& listener) {
  if (!session_) return;
  while (!session_->news_.attach(listener)) look_again();
}

void FetchContext::let_go() {
  if (session_) session_->news_.detach();
}

bool FetchContext::include(FetchPartition& partition, const protocol::FetchResponse::Partition& answer) {
  const bool news = answer.records.size() > 0 || answer.preferred_read_replica >= 0 ||
                    answer.high_watermark != partition.told_high_watermark_ ||
                    answer.log_start_offset != partition.told_log_start_offset_;
  const bool trouble = answer.error_code != ErrorCode::none || answer.diverging_epoch.epoch >= 0;
  // A high watermark that no partition has makes the next answer news: an error that lasts is told again, and when it
  // is gone the partition is sent once more.
  partition.told_high_watermark_ = trouble ? -1 : answer.high_watermark;
  partition.told_log_start_offset_ = answer.log_start_offset;
  partition.rotate_ = answer.records.size() > 0;
  return !incremental_ || news || trouble;
}

std::int32_t FetchContext::finish() {
  const std::int32_t id = session_ ? session_->id_ : no_session;
  if (session_) session_->partitions_.rotate_marked();
  release();
  return id;
}

FetchSessions::FetchSessions(const base::Clock& clock, Limits limits, std::uint64_t seed)
    : clock_(clock), limits_(limits), random_(seed) {}

ErrorCode FetchSessions::open(const protocol::FetchRequest& request, protocol::Version version, FetchContext& into) {
  into.release();
  const bool by_id = version >= topic_ids_since;
  const bool full = request.session_epoch == epoch_of_new_session || request.session_epoch == epoch_without_session;
  if (full) {
    open_full(request, by_id, into);
    return ErrorCode::none;
  }
  const ErrorCode error = resume(request, by_id, into);
  if (error == ErrorCode::none) return continue_session(request, into);
  into.own_.assign({}, false);
  return error;
}

void FetchSessions::open_full(const protocol::FetchRequest& request, bool by_id, FetchContext& into) {
  Removed removed;
  if (request.session_id != no_session || request.session_epoch == epoch_of_new_session) {
    const std::lock_guard lock(mutex_);
    if (const auto named = sessions_.find(request.session_id); named != sessions_.end()) remove(named, removed);
    if (request.session_epoch == epoch_of_new_session) into.session_ = make(by_id, listed_partitions(request), removed);
  }
  // The client cannot name the session before it has the answer: nobody else sees it yet.
  into.partitions().assign(request, into.session_ != nullptr);
}

ErrorCode FetchSessions::resume(const protocol::FetchRequest& request, bool by_id, FetchContext& into) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(request.session_id);
  if (found == sessions_.end()) return ErrorCode::fetch_session_id_not_found;
  FetchSession& session = *found->second;
  if (session.epoch_ != request.session_epoch) return ErrorCode::invalid_fetch_session_epoch;
  if (session.by_id_ != by_id) return ErrorCode::fetch_session_topic_id_error;
  if (session.leased_.exchange(true, std::memory_order_acquire)) return ErrorCode::invalid_fetch_session_epoch;
  session.epoch_ = epoch_after(session.epoch_);
  session.last_used_ = clock_.steady();
  into.session_ = found->second;
  into.incremental_ = true;
  return ErrorCode::none;
}

ErrorCode FetchSessions::continue_session(const protocol::FetchRequest& request, FetchContext& into) {
  if (request.topics.empty() && request.forgotten_topics_data.empty()) return ErrorCode::none;
  FetchSession& session = *into.session_;
  session.partitions_.update(request);
  const std::size_t size = session.partitions_.size();

  Removed removed;
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(session.id_);
  const bool evicted = found == sessions_.end() || found->second != into.session_;
  if (size == 0) {
    if (!evicted) remove(found, removed);
    into.release();
    into.own_.assign({}, false);
    return ErrorCode::none;
  }
  if (evicted || size == session.counted_) return ErrorCode::none;
  if (size > session.counted_ && size - session.counted_ > limits_.partitions - partitions_) {
    // The client begins anew with a full fetch, which is served without a session if need be.
    remove(found, removed);
    into.release();
    into.own_.assign({}, false);
    return ErrorCode::fetch_session_id_not_found;
  }
  count(session, size);
  return ErrorCode::none;
}

std::shared_ptr<FetchSession> FetchSessions::make(bool by_id, std::size_t partitions, Removed& removed) {
  const base::Nanoseconds now = clock_.steady();
  if (!make_room(partitions, now, removed)) return nullptr;
  auto session = std::make_shared<FetchSession>(unused_id(), by_id, now);
  session->leased_.store(true, std::memory_order_relaxed);
  count(*session, partitions);
  sessions_.emplace(session->id_, session);
  return session;
}

// One session at most gives way to a new one: the longest unused if it is stale, else the smallest of those old enough,
// and only to a larger one. So a burst of new clients cannot drive out those that work.
bool FetchSessions::make_room(std::size_t partitions, base::Nanoseconds now, Removed& removed) {
  if (partitions > limits_.partitions || limits_.sessions == 0) return false;
  const auto fits = [&] {
    return sessions_.size() < limits_.sessions && partitions <= limits_.partitions - partitions_;
  };
  if (fits()) return true;
  const auto oldest = std::ranges::min_element(sessions_, {}, [](auto& entry) { return entry.second->last_used_; });
  if (oldest == sessions_.end()) return false;
  auto victim = oldest;
  if (now - oldest->second->last_used_ <= eviction_age) {
    victim = sessions_.end();
    for (auto at = sessions_.begin(); at != sessions_.end(); ++at) {
      const FetchSession& session = *at->second;
      if (now - session.created_ <= eviction_age || session.counted_ >= partitions) continue;
      if (victim == sessions_.end() || session.counted_ < victim->second->counted_) victim = at;
    }
  }
  if (victim == sessions_.end()) return false;
  remove(victim, removed);
  evicted_.fetch_add(1, std::memory_order_relaxed);
  return fits();
}

void FetchSessions::remove(Sessions::iterator session, Removed& removed) {
  partitions_ -= session->second->counted_;
  removed.push_back(std::move(session->second));
  sessions_.erase(session);
}

void FetchSessions::count(FetchSession& session, std::size_t partitions) {
  partitions_ = partitions_ - session.counted_ + partitions;
  session.counted_ = partitions;
  CHECK(partitions_ <= limits_.partitions);
}

std::int32_t FetchSessions::unused_id() {
  std::int32_t id = 0;
  do {
    id = static_cast<std::int32_t>(1 + random_.below(std::numeric_limits<std::int32_t>::max()));
  } while (sessions_.contains(id));
  return id;
}

std::size_t FetchSessions::session_count() const {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

std::size_t FetchSessions::partition_count() const {
  const std::lock_guard lock(mutex_);
  return partitions_;
}

}  // namespace cms::broker
