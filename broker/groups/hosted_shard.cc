// SPDX-License-Identifier: Apache-2.0
#include "broker/groups/hosted_shard.h"

#include <algorithm>

#include <boost/asio/post.hpp>

#include "base/log.h"
#include "broker/groups/log_reader.h"

namespace cms::broker {

namespace {

// What one step of expiry may append; the rest comes with the next.
constexpr std::size_t expired_at_once = 1000;

}  // namespace

HostedShard::HostedShard(const GroupHost& host, TopicHandle topic, std::int32_t index, Core& home)
    : host_(host), topic_(std::move(topic)), index_(index), home_(home) {}

HostedShard::~HostedShard() { partition().forget(*this); }

coordinator::Now HostedShard::now() const {
  const auto steady = std::chrono::duration_cast<std::chrono::milliseconds>(host_.clock.steady());
  return {steady.count(), host_.clock.now_ms()};
}

ErrorCode HostedShard::state() const {
  const std::lock_guard lock(mutex_);
  return state_ == ErrorCode::none && read_only_ ? ErrorCode::coordinator_not_available : state_;
}

HostedShard::Counts HostedShard::counts() const {
  const std::lock_guard lock(mutex_);
  if (shard_ == nullptr) return {};
  return {shard_->group_count(), shard_->offset_count()};
}

void HostedShard::start() {
  host_.run_on_worker([self = shared_from_this()] { self->load(); });
}

void HostedShard::load() {
  auto shard = std::make_unique<coordinator::Shard>(host_.groups);
  std::size_t left_out = 0;
  const auto replay = [&](Offset offset, base::ByteSpan key, std::optional<base::ByteSpan> value) {
    const auto replayed = shard->replay(key, value);
    if (replayed || ++left_out > 1) return;
    base::log_error("a record of the group coordinator is not understood and left out", "topic", topic_->name(),
                    "partition", index_, "offset", offset, "why", replayed.error().message());
  };
  const auto end = read_log(partition(), 0, replay);
  if (!end) return fail_loading(end.error().message());
  if (left_out > 1) {
    base::log_error("records of the group coordinator are left out", "topic", topic_->name(), "partition", index_,
                    "records", left_out);
  }
  boost::asio::post(home_.loop(), [self = shared_from_this(), loaded = std::move(shard), end = *end]() mutable {
    self->finish_loading(std::move(loaded), end);
    self->home_.end_of_turn();
  });
}

void HostedShard::fail_loading(const std::string& why) {
  base::log_error("groups cannot be loaded", "topic", topic_->name(), "partition", index_, "why", why);
  stop(ErrorCode::coordinator_not_available);
}

void HostedShard::finish_loading(std::unique_ptr<coordinator::Shard> loaded, Offset end) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  shard_ = std::move(loaded);
  appended_end_ = end;
  state_ = ErrorCode::none;
  timer_set_for_ms_ = coordinator::never;
  shard_->loaded(now(), effects_);
  if (read_only_) return effects_.clear();
  finish_step(home_, nullptr);
  do_what_is_due();
}

void HostedShard::topics_changed(TopicsChange change) {
  {
    const std::lock_guard lock(mutex_);
    topics_change_ = std::max(change, topics_change_.value_or(change));
  }
  boost::asio::post(home_.loop(), [self = shared_from_this()] {
    {
      const std::lock_guard lock(self->mutex_);
      if (self->state_ == ErrorCode::none) self->do_what_is_due();
    }
    self->home_.end_of_turn();
  });
}

void HostedShard::expire() {
  boost::asio::post(home_.loop(), [self = shared_from_this()] {
    bool more = false;
    self->run(self->home_, nullptr,
              [&](coordinator::Shard& groups, coordinator::Now now, coordinator::Effects& effects) {
                more = !groups.expire(now, expired_at_once, effects);
              });
    self->home_.end_of_turn();
    if (more) self->expire();
  });
}

void HostedShard::stop(ErrorCode why) {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  close(why);
}

void HostedShard::close(ErrorCode why) {
  state_ = why;
  shard_.reset();
  fail_unfinished(why);
}

void HostedShard::fail_unfinished(ErrorCode why) {
  for (auto& [ticket, call] : waiting_) call->failed(why);
  waiting_.clear();
  for (auto& call : waiting_owed_) call->failed(why);
  waiting_owed_.clear();
  owed_.clear();
}

ErrorCode HostedShard::why_not_read() {
  if (state_ == ErrorCode::none) look_at_log();
  return state_;
}

ErrorCode HostedShard::why_not_step(Core& core) {
  if (const ErrorCode why = why_not_read(); why != ErrorCode::none) return why;
  const bool takes_records = !read_only_ && partition().why_not_append(true) == ErrorCode::none;
  if (!takes_records || (!owed_.empty() && !append_owed(core))) return ErrorCode::coordinator_not_available;
  return ErrorCode::none;
}

void HostedShard::look_at_log() {
  if (read_only_) return;
  const ErrorCode log = partition().state();
  if (log == ErrorCode::kafka_storage_error) {
    become_read_only();
  } else if (log != ErrorCode::none) {
    close(ErrorCode::not_coordinator);
  }
}

void HostedShard::become_read_only() {
  read_only_ = true;
  const bool knows_more = !owed_.empty() || appended_end_ > partition().positions().stable;
  fail_unfinished(ErrorCode::coordinator_not_available);
  base::log_error("groups can only be read until the next start", "topic", topic_->name(), "partition", index_);
  if (!knows_more) return;
  shard_.reset();
  state_ = ErrorCode::coordinator_load_in_progress;
  start();
}

void HostedShard::do_what_is_due() {
  if (why_not_step(home_) != ErrorCode::none) {
    if (state_ == ErrorCode::none && !read_only_) set_timer(now().steady_ms + retry_interval.count());
    return;
  }
  if (topics_change_) {
    shard_->topics_changed(now(), effects_);
    if (topics_change_ == TopicsChange::removed) shard_->forget_removed_topics(effects_);
    topics_change_.reset();
  }
  if (shard_->wake_at_ms() <= now().steady_ms) shard_->tick(now(), effects_);
  finish_step(home_, nullptr);
}

void HostedShard::finish_step(Core& core, const std::shared_ptr<GroupCall>& call) {
  if (!effects_.records.empty()) append(core);
  if (call != nullptr) {
    call->expect();
    let_out(call);
  }
  for (coordinator::Reply& reply : effects_.replies) {
    auto waiting = waiting_.extract(reply.ticket);
    CHECK(!waiting.empty());
    waiting.mapped()->set(std::move(reply.response));
    let_out(std::move(waiting.mapped()));
  }
  effects_.clear();
  set_timer(owed_.empty() ? shard_->wake_at_ms() : now().steady_ms + retry_interval.count());
}

void HostedShard::append(Core& core) {
  const base::TimestampMs time_ms = host_.clock.now_ms();
  for (const coordinator::LogRecord& record : effects_.records) {
    records::NewRecord added{.timestamp = time_ms, .key = base::as_bytes(record.key)};
    if (record.value) added.value = base::as_bytes(*record.value);
    batch_.add(added);
  }
  CHECK(owed_.empty());
  owed_ = batch_.finish();
  if (const auto appended = append_owed(core); !appended) {
    base::log_error("groups cannot be stored for now", "topic", topic_->name(), "partition", index_, "why",
                    appended.error().message());
  }
}

base::Result<void> HostedShard::append_owed(Core& core) {
  const auto batch = records::BatchView::frame(owed_);
  CHECK(batch.has_value());
  const AppendOutcome outcome = partition().append(core, *batch, true);
  if (outcome.error != ErrorCode::none) {
    return base::Error(base::ErrorKind::busy, std::string(protocol::name_of(outcome.error)) + " " + outcome.message);
  }
  appended_end_ = outcome.end_offset;
  owed_.clear();
  for (auto& call : std::exchange(waiting_owed_, {})) let_out(std::move(call));
  return {};
}

void HostedShard::let_out(std::shared_ptr<GroupCall> call) {
  if (!owed_.empty()) return waiting_owed_.push_back(std::move(call));
  {
    const std::lock_guard lock(withheld_mutex_);
    if (stable_ >= appended_end_) {
      call->done();
      return;
    }
    withheld_.push_back({appended_end_, std::move(call)});
    if (registered_) return;
    registered_ = true;
  }
  if (partition().await_stable(*this, appended_end_)) return;
  const Positions positions = partition().positions();
  if (positions.stable >= appended_end_) {
    reached(partition(), positions.stable);
  } else {
    lost(partition().state());
  }
}

bool HostedShard::reached(Partition&, Offset stable) {
  const std::lock_guard lock(withheld_mutex_);
  stable_ = std::max(stable_, stable);
  while (!withheld_.empty() && withheld_.front().until <= stable_) {
    withheld_.front().call->done();
    withheld_.pop_front();
  }
  registered_ = !withheld_.empty();
  return !registered_;
}

// The shard's own lock is taken before the partition's, so what follows is seen to later.
void HostedShard::lost(ErrorCode why) {
  const bool failed = why == ErrorCode::kafka_storage_error;
  {
    const std::lock_guard lock(withheld_mutex_);
    for (Withheld& withheld : withheld_) {
      withheld.call->failed(failed ? ErrorCode::coordinator_not_available : ErrorCode::not_coordinator);
    }
    withheld_.clear();
    registered_ = false;
  }
  boost::asio::post(home_.loop(), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    const std::lock_guard lock(self->mutex_);
    self->why_not_read();
  });
}

void HostedShard::set_timer(std::int64_t wake_at_ms) {
  if (wake_at_ms >= timer_set_for_ms_) return;  // a later one is found when the earlier has fired
  timer_set_for_ms_ = wake_at_ms;
  const auto set = [self = shared_from_this(), at = SteadyTime(std::chrono::milliseconds(wake_at_ms))] {
    if (self->Deadline::is_linked()) {
      if (self->at() <= at) return;
      self->Deadline::unlink();
    }
    self->home_.deadlines().add(*self, at);
  };
  if (home_.on_this_thread()) {
    set();
  } else {
    boost::asio::post(home_.loop(), set);
  }
}

void HostedShard::expired() {
  const std::lock_guard lock(mutex_);
  timer_set_for_ms_ = coordinator::never;
  if (state_ == ErrorCode::none) do_what_is_due();
}

}  // namespace cms::broker
