// SPDX-License-Identifier: Apache-2.0
#include "broker/topics/partition.h"

#include <boost/asio/post.hpp>

#include "base/log.h"
#include "storage/unopened_log.h"

namespace cms::broker {

Partition::Partition(Identity identity, std::unique_ptr<storage::Log> log, replication::View view,
                     std::shared_ptr<const EffectiveTopicConfig> config, Offset reserved_end,
                     PartitionEnvironment environment)
    : identity_(std::move(identity)),
      environment_(std::move(environment)),
      log_(std::move(log)),
      frontier_(std::move(view), log_->durable_end()),
      config_(std::move(config)),
      reserved_end_(reserved_end) {
  // The epoch begins here even if nothing is appended in it, so that OffsetForLeaderEpoch can tell.
  log_->epochs().assign(frontier_.view().number, log_->next_offset());
}

std::shared_ptr<Partition> Partition::offline(Identity identity, base::Error why, replication::View view,
                                              std::shared_ptr<const EffectiveTopicConfig> config,
                                              PartitionEnvironment environment) {
  auto partition =
      std::make_shared<Partition>(std::move(identity), std::make_unique<storage::UnopenedLog>(std::move(why)),
                                  std::move(view), std::move(config), 0, std::move(environment));
  partition->offline_ = true;
  partition->state_ = ErrorCode::kafka_storage_error;
  return partition;
}

Partition::~Partition() { CHECK(waiters_.empty()); }

AppendOutcome Partition::append(Core& core, records::BatchView batch, bool wait_for_all) {
  AppendOutcome outcome;
  {
    std::unique_lock lock(mutex_);
    if (!may_append(lock, batch.last_offset_delta() + 1, wait_for_all, outcome)) return outcome;
    append_checked(batch, outcome);
  }
  if (outcome.flush) core.flush_later(shared_from_this());
  return outcome;
}

std::optional<AppendOutcome> Partition::append_in_place(Core& core, std::size_t bytes, std::int32_t count,
                                                        BatchFill& fill, bool wait_for_all) {
  if (identity_.durability == Durability::persistent) return std::nullopt;
  AppendOutcome outcome;
  {
    std::unique_lock lock(mutex_);
    if (!may_append(lock, count, wait_for_all, outcome)) return outcome;
    const base::MutableByteSpan room = log_->reserve(bytes, environment_.clock.now_ms());
    if (room.empty()) return std::nullopt;
    const std::optional<records::BatchView> batch = fill.fill(room, outcome);
    if (!batch) return outcome;
    CHECK(batch->last_offset_delta() + 1 == count);  // so many are reserved
    append_checked(*batch, outcome);
  }
  if (outcome.flush) core.flush_later(shared_from_this());
  return outcome;
}

// May let go of the lock for a time.
bool Partition::may_append(std::unique_lock<std::mutex>& lock, Offset count, bool wait_for_all,
                           AppendOutcome& outcome) {
  if (identity_.durability != Durability::persistent && !await_reservation(lock, count)) {
    outcome.error = ErrorCode::kafka_storage_error;
    outcome.message = "no further offsets can be reserved: the metadata cannot be written";
    return false;
  }
  outcome.error = refuses(wait_for_all);
  return outcome.error == ErrorCode::none;
}

void Partition::append_checked(records::BatchView batch, AppendOutcome& outcome) {
  const auto verdict = log_->producers().check(batch);
  if (const auto* duplicate = std::get_if<storage::ProducerStates::Duplicate>(&verdict)) {
    outcome.base_offset = duplicate->base_offset;
    outcome.log_append_time_ms = duplicate->append_time_ms;
    outcome.end_offset = duplicate->base_offset + batch.last_offset_delta() + 1;
  } else if (const auto* refused = std::get_if<storage::ProducerStates::Refused>(&verdict)) {
    outcome.error = *refused == storage::ProducerStates::Refused::invalid_producer_epoch
                        ? ErrorCode::invalid_producer_epoch
                        : ErrorCode::out_of_order_sequence_number;
    return;
  } else if (!append_new(batch, outcome)) {
    return;
  }
  if (!flush_asked_ && log_->wants_flush()) outcome.flush = flush_asked_ = true;
  outcome.log_start_offset = log_->first_offset();
  outcome.stable = outcome.end_offset <= frontier_.stable();
  outcome.congested = log_->unflushed_bytes() > unflushed_bytes_max;
}

bool Partition::append_new(records::BatchView batch, AppendOutcome& outcome) {
  const auto appended = log_->append(batch, frontier_.view().number, environment_.clock.now_ms());
  if (!appended) {
    outcome.error = ErrorCode::kafka_storage_error;
    outcome.message = appended.error().message();
    return false;
  }
  outcome.base_offset = *appended;
  outcome.end_offset = *appended + batch.last_offset_delta() + 1;
  if (batch.timestamp_type() == records::TimestampType::log_append_time) {
    outcome.log_append_time_ms = batch.max_timestamp();
  }
  unsynced_records_ += batch.record_count();
  if (!sync_due_) sync_due_ = sync_wanted_by();
  advance(log_->durable_end());
  return true;
}

void Partition::ask_for_reservation(Offset end) {
  environment_.run_on_worker(
      [self = std::static_pointer_cast<Partition>(shared_from_this()), end] { self->environment_.reserve(self, end); });
}

// The one place where a core waits for a disk. Refusing instead would let a later batch of an idempotent producer pass
// one that must be sent again. It waits only when a reservation takes longer than a million appends.
bool Partition::await_reservation(std::unique_lock<std::mutex>& lock, Offset count) {
  const auto enough = [&] { return log_->next_offset() + count <= reserved_end_; };
  if (wants_reservation(log_->next_offset() + count)) {
    ask_for_reservation(log_->next_offset() + count + reservation_block);
  }
  return enough() ||
         (reserved_changed_.wait_for(lock, reservation_wait_max, [&] { return enough() || !reserving_; }) && enough());
}

ErrorCode Partition::refuses(bool wait_for_all) const {
  if (state_ != ErrorCode::none) return state_;
  const auto members = static_cast<std::int64_t>(frontier_.view().members.size());
  if (wait_for_all && members < config_->min_insync_replicas) return ErrorCode::not_enough_replicas;
  return ErrorCode::none;
}

ErrorCode Partition::why_not_append(bool wait_for_all) const {
  const std::lock_guard lock(mutex_);
  return refuses(wait_for_all);
}

// Reading goes on after a write has failed.
bool Partition::is_served() const {
  return state_ == ErrorCode::none || (state_ == ErrorCode::kafka_storage_error && !offline_);
}

bool Partition::wants_reservation(Offset end) {
  if (reserving_) return false;
  if (end + first_reservation / 2 <= reserved_end_) return false;
  return reserving_ = true;
}

void Partition::reserved(Offset end) {
  const std::lock_guard lock(mutex_);
  reserved_end_ = std::max(reserved_end_, end);
  reserving_ = false;
  reserved_changed_.notify_all();
}

ReadOutcome Partition::read(const ReadRequest& request, protocol::Records* into) {
  ReadOutcome outcome;
  const std::lock_guard lock(mutex_);
  outcome.error = is_served() ? ErrorCode::none : state_;
  if (outcome.error != ErrorCode::none) return outcome;
  const LeaderEpoch epoch = frontier_.view().number;
  if (request.current_leader_epoch >= 0 && request.current_leader_epoch != epoch) {
    outcome.error =
        request.current_leader_epoch < epoch ? ErrorCode::fenced_leader_epoch : ErrorCode::unknown_leader_epoch;
    return outcome;
  }
  const Offset stable = frontier_.stable();
  outcome.high_watermark = stable;
  outcome.log_start_offset = log_->first_offset();
  if (request.last_fetched_epoch >= 0) {
    const auto end = log_->epochs().end_of(request.last_fetched_epoch, log_->next_offset());
    if (end.epoch < 0) {
      outcome.error = ErrorCode::offset_out_of_range;
      return outcome;
    }
    if (end.epoch < request.last_fetched_epoch || end.end_offset < request.offset) {
      outcome.diverging = end;
      return outcome;
    }
  }
  if (request.offset < log_->first_offset() || request.offset > log_->next_offset()) {
    outcome.error = ErrorCode::offset_out_of_range;
    return outcome;
  }
  if (request.offset >= stable) return outcome;
  if (into == nullptr) {
    outcome.bytes = log_->bytes_between(request.offset, stable, request.bytes_max);
    return outcome;
  }
  thread_local std::vector<base::Bytes> runs;  // scratch: its memory is used again by the next read
  auto found = log_->read(request.offset, stable, request.bytes_max, runs);
  if (!found) {
    runs.clear();
    outcome.error = ErrorCode::kafka_storage_error;
    return outcome;
  }
  for (base::Bytes& run : runs) into->append(std::move(run));
  runs.clear();
  outcome.bytes = found->bytes;
  outcome.cold = std::move(found->cold);
  return outcome;
}

std::size_t Partition::available(Offset from, std::size_t enough, bool lock_held) {
  std::unique_lock lock(mutex_, std::defer_lock);
  if (!lock_held) lock.lock();
  if (from < log_->first_offset() || from >= frontier_.stable()) return 0;
  return log_->bytes_between(from, frontier_.stable(), enough);
}

bool Partition::await_stable(StableWaiter& waiter, Offset wanted) {
  const std::lock_guard lock(mutex_);
  if (state_ != ErrorCode::none || frontier_.stable() >= wanted) return false;
  waiter.wanted_ = wanted;
  waiters_.push_back(waiter);
  return true;
}

bool Partition::await_news(StableWaiter& waiter, Offset stable, Offset start) {
  const std::lock_guard lock(mutex_);
  if (state_ != ErrorCode::none || frontier_.stable() != stable || log_->first_offset() != start) return false;
  waiter.wanted_ = stable + 1;
  waiters_.push_back(waiter);
  return true;
}

void Partition::tell_start_moved() {
  for (StableWaiter& waiter : waiters_) waiter.start_moved();
}

void Partition::forget(StableWaiter& waiter) {
  const std::lock_guard lock(mutex_);
  if (waiter.is_linked()) waiters_.erase(waiters_.iterator_to(waiter));
}

void Partition::advance(Offset durable) {
  if (!frontier_.acknowledge(frontier_.view().leader(), durable)) return;
  const Offset stable = frontier_.stable();
  for (auto at = waiters_.begin(); at != waiters_.end();) {
    StableWaiter& waiter = *at;
    if (waiter.wanted_ <= stable && waiter.reached(*this, stable)) {
      at = waiters_.erase(at);
    } else {
      ++at;
    }
  }
}

void Partition::start_flush(Core& core) {
  const std::lock_guard lock(mutex_);
  const bool only_sync = state_ == ErrorCode::none && sync_is_due() && log_->written_end() > log_->durable_end();
  if (flushing_core_ != nullptr || !(log_->wants_flush() || only_sync)) {
    flush_asked_ = flushing_core_ != nullptr;
    return;
  }
  flushing_core_ = &core;
  flushing_self_ = shared_from_this();
  log_->start_flush(core.files(), must_sync(), *this);
}

// When what is appended now is to be synced at the latest; none: with its flush, or whenever flush.messages says.
std::optional<SteadyTime> Partition::sync_wanted_by() const {
  constexpr std::int64_t never_ms = 1ll << 40;  // 35 years
  if (config_->flush_messages <= 1 || config_->flush_ms >= never_ms) return std::nullopt;
  return std::chrono::steady_clock::now() + std::chrono::milliseconds(config_->flush_ms);
}

bool Partition::sync_is_due() const { return sync_due_ && *sync_due_ <= std::chrono::steady_clock::now(); }

// An acknowledged record is synced, unless the topic's flush.messages says that it need not be, or not before flush.ms.
bool Partition::must_sync() {
  if (unsynced_records_ < config_->flush_messages && !sync_is_due()) return false;
  unsynced_records_ = 0;
  sync_due_.reset();
  return true;
}

// One timer is under way for all that is appended meanwhile, whichever core takes it. It may come early, for what has
// been synced otherwise.
void Partition::flush_is_due(Core& core) {
  std::optional<SteadyTime> later;
  bool flush = false;
  {
    const std::lock_guard lock(mutex_);
    sync_timer_set_ = false;
    if (!sync_due_ || state_ != ErrorCode::none) return;
    if (!sync_is_due()) {
      later = sync_due_;
      sync_timer_set_ = true;
    } else if (!flush_asked_) {  // else it is seen when that flush begins, or has ended
      flush = flush_asked_ = true;
    }
  }
  if (later) core.flush_at(shared_from_this(), *later);
  if (flush) core.flush_later(shared_from_this());
}

void Partition::completed(base::Result<std::size_t> bytes) noexcept {
  Core& core = *flushing_core_;
  const std::shared_ptr<Flushable> self = std::move(flushing_self_);
  bool again = false;
  std::optional<SteadyTime> sync_by;
  std::vector<LogWork> work;
  {
    const std::lock_guard lock(mutex_);
    flushing_core_ = nullptr;
    const auto finished = log_->finish_flush(std::move(bytes));
    if (!finished) {
      fail(finished.error());
    } else {
      // Where the topic lets records wait for their sync, written is all that it promises.
      advance(config_->flush_messages > 1 ? log_->written_end() : log_->durable_end());
      again = log_->wants_flush();
      timing_core_ = &core;
      if (!sync_timer_set_) sync_by = sync_due_;
      sync_timer_set_ = sync_timer_set_ || sync_by;
    }
    flush_asked_ = again;
    work = log_->take_background_work();
  }
  if (again) core.flush_later(self);
  if (sync_by) core.flush_at(self, *sync_by);
  do_later(std::move(work));
}

void Partition::fail(const base::Error& error) {
  if (state_ != ErrorCode::none) return;  // removed meanwhile, and its files with it
  base::log_error("partition takes no more records", "topic", identity_.topic, "partition", identity_.index, "why",
                  error.message(), "remedy", "free space or replace the disk, then restart the broker");
  state_ = ErrorCode::kafka_storage_error;
  waiters_.clear_and_dispose([](StableWaiter* waiter) { waiter->lost(ErrorCode::kafka_storage_error); });
}

void Partition::remove(ErrorCode why) {
  const std::lock_guard lock(mutex_);
  state_ = why;
  waiters_.clear_and_dispose([why](StableWaiter* waiter) { waiter->lost(why); });
}

base::Result<void> Partition::retire_unused() {
  const std::lock_guard lock(mutex_);
  if (state_ != ErrorCode::none) {
    return base::Error(base::ErrorKind::invalid, "partition " + std::to_string(identity_.index) + " is out of order");
  }
  if (log_->next_offset() > 0) {
    return base::Error(base::ErrorKind::exists, "partition " + std::to_string(identity_.index) + " is at offset " +
                                                    std::to_string(log_->next_offset()));
  }
  state_ = ErrorCode::not_leader_or_follower;
  waiters_.clear_and_dispose([](StableWaiter* waiter) { waiter->lost(ErrorCode::not_leader_or_follower); });
  return {};
}

void Partition::take_up_again() {
  const std::lock_guard lock(mutex_);
  if (state_ == ErrorCode::not_leader_or_follower) state_ = ErrorCode::none;
}

Positions Partition::positions() const {
  const std::lock_guard lock(mutex_);
  return {log_->first_offset(), frontier_.stable(), log_->durable_end(),
          log_->next_offset(),  log_->size_bytes(), frontier_.view().number};
}

replication::View Partition::view() const {
  const std::lock_guard lock(mutex_);
  return frontier_.view();
}

ErrorCode Partition::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

ErrorCode Partition::check_epoch(LeaderEpoch epoch) const {
  const std::lock_guard lock(mutex_);
  if (epoch < 0 || epoch == frontier_.view().number) return ErrorCode::none;
  return epoch < frontier_.view().number ? ErrorCode::fenced_leader_epoch : ErrorCode::unknown_leader_epoch;
}

storage::LeaderEpochs::EpochEnd Partition::end_of_epoch(LeaderEpoch epoch) const {
  const std::lock_guard lock(mutex_);
  return log_->epochs().end_of(epoch, log_->next_offset());
}

LeaderEpoch Partition::epoch_at(Offset offset) const {
  const std::lock_guard lock(mutex_);
  return log_->epochs().at(offset);
}

base::Result<std::optional<base::Bytes>> Partition::batch_at_time(base::TimestampMs time_ms, Offset from) {
  return log_->batch_at_time(time_ms, from, positions().stable, with_lock());
}

base::Result<std::optional<base::Bytes>> Partition::batch_with_largest_timestamp(Offset from) {
  return log_->batch_with_largest_timestamp(from, positions().stable, with_lock());
}

std::pair<ErrorCode, Offset> Partition::delete_records(Offset before) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != ErrorCode::none) return {state_, -1};
    if (before == -1) before = frontier_.stable();
    if (before < 0 || before > frontier_.stable()) return {ErrorCode::offset_out_of_range, -1};
  }
  if (!log_->raise_first_offset(before, with_lock())) return {ErrorCode::kafka_storage_error, -1};
  const std::lock_guard lock(mutex_);
  tell_start_moved();
  return {ErrorCode::none, log_->first_offset()};
}

void Partition::set_config(std::shared_ptr<const EffectiveTopicConfig> config, const storage::LogOptions& options) {
  const std::lock_guard lock(mutex_);
  config_ = std::move(config);
  log_->set_options(options);
  if (identity_.durability != Durability::persistent || unsynced_records_ == 0 || state_ != ErrorCode::none) return;
  // What waits for its sync gets the new bound.
  const auto by = config_->flush_messages <= 1 ? std::chrono::steady_clock::now() : sync_wanted_by();
  if (!by || (sync_due_ && *sync_due_ <= *by)) return;
  sync_due_ = by;
  if (timing_core_ == nullptr) return;  // the first flush is under way, and looks at it when it has ended
  boost::asio::post(timing_core_->loop(),
                    [self = std::static_pointer_cast<Partition>(shared_from_this()), core = timing_core_] {
                      self->flush_is_due(*core);
                      core->end_of_turn();
                    });
}

void Partition::keep_house() {
  std::vector<LogWork> work;
  {
    const std::lock_guard lock(mutex_);
    if (state_ != ErrorCode::none) return;
    const Offset start = log_->first_offset();
    log_->apply_retention(environment_.clock.now_ms());
    if (log_->first_offset() != start) tell_start_moved();
    work = log_->take_background_work();
  }
  do_now(work);
}

storage::DirtyRange Partition::dirty_range() {
  const std::lock_guard lock(mutex_);
  if (state_ != ErrorCode::none || !config_->cleanup_compact) return {};
  return log_->dirty_range({.below = frontier_.stable(),
                            .now_ms = environment_.clock.now_ms(),
                            .lag_ms_min = config_->min_compaction_lag_ms,
                            .lag_ms_max = config_->max_compaction_lag_ms});
}

base::Result<storage::CompactionStats> Partition::compact(const storage::DirtyRange& range,
                                                          storage::CompactionSettings settings,
                                                          std::size_t io_buffer_bytes) {
  const storage::RunLocked locked = [this](const std::function<void()>& work) {
    const std::lock_guard lock(mutex_);
    work();
  };
  std::unique_ptr<storage::CompactionJob> job;
  {
    const std::lock_guard lock(mutex_);
    if (state_ == ErrorCode::none) job = log_->start_compaction(range, io_buffer_bytes, locked);
    settings.now_ms = environment_.clock.now_ms();
    settings.delete_retention_ms = config_->delete_retention_ms;
  }
  if (job == nullptr) return base::Error(base::ErrorKind::closed, "the partition has changed meanwhile");
  settings.pace = [this, pace = std::move(settings.pace)](std::size_t bytes) {
    return state() == ErrorCode::none && (!pace || pace(bytes));
  };
  auto stats = storage::compact(*job, settings);
  job.reset();
  std::vector<LogWork> work;
  {
    const std::lock_guard lock(mutex_);
    if (state_ != ErrorCode::none) return base::Error(base::ErrorKind::closed, "the partition is gone");
    work = log_->take_background_work();
  }
  do_now(work);
  return stats;
}

void Partition::do_later(std::vector<LogWork> work) {
  if (work.empty()) return;
  environment_.run_on_worker(
      [self = std::static_pointer_cast<Partition>(shared_from_this()), work = std::move(work)] { self->do_now(work); });
}

void Partition::do_now(const std::vector<LogWork>& work) {
  for (const LogWork& piece : work) {
    if (const auto done = piece(); !done) {
      base::log_warning("background work of a log failed", "topic", identity_.topic, "partition", identity_.index,
                        "why", done.error().message());
    }
  }
}

base::Result<void> Partition::close() {
  const std::lock_guard lock(mutex_);
  CHECK(flushing_core_ == nullptr);
  return log_->close();
}

}  // namespace cms::broker
