// SPDX-License-Identifier: Apache-2.0
#include "broker/groups/hosted_shard.h"

#include <thread>

#include <boost/asio/post.hpp>

#include "base/log.h"
#include "broker/groups/log_reader.h"

namespace cms::broker {

namespace {

// While a shard loads and its last records are on their way to the disk.
constexpr std::chrono::milliseconds stable_poll_interval{1};

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
  return state_;
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
  const auto replay = [&](Offset offset, base::ByteSpan key, std::optional<base::ByteSpan> value) {
    const auto replayed = shard->replay(key, value);
    if (replayed) return;
    base::log_error("a record of the group coordinator is not understood and left out", "topic", topic_->name(),
                    "partition", index_, "offset", offset, "why", replayed.error().message());
  };
  // After a refused append, what was appended before it may not be stable yet, and is part of the state.
  const Offset end = partition().positions().end;
  Offset next = 0;
  while (true) {
    const auto read = read_log(partition(), next, replay);
    if (!read) return fail_loading(read.error().message());
    next = *read;
    if (next >= end) break;
    if (const ErrorCode error = partition().state(); error != ErrorCode::none) {
      return fail_loading(std::string(protocol::name_of(error)));
    }
    std::this_thread::sleep_for(stable_poll_interval);
  }
  boost::asio::post(home_.loop(), [self = shared_from_this(), loaded = std::move(shard)]() mutable {
    self->finish_loading(std::move(loaded));
    self->home_.end_of_turn();
  });
}

void HostedShard::fail_loading(const std::string& why) {
  base::log_error("groups cannot be loaded", "topic", topic_->name(), "partition", index_, "why", why);
  stop(ErrorCode::coordinator_not_available);
}

void HostedShard::finish_loading(std::unique_ptr<coordinator::Shard> loaded) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  shard_ = std::move(loaded);
  appended_end_ = partition().positions().end;
  state_ = ErrorCode::none;
  timer_set_for_ms_ = coordinator::never;
  shard_->loaded(now(), effects_);
  finish_step(home_, nullptr);
}

void HostedShard::post(Step step) {
  boost::asio::post(home_.loop(), [self = shared_from_this(), step = std::move(step)] {
    self->run(self->home_, nullptr, step);
    self->home_.end_of_turn();
  });
}

void HostedShard::stop(ErrorCode why) {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  state_ = why;
  shard_.reset();
  fail_waiting(why);
}

void HostedShard::fail_waiting(ErrorCode why) {
  for (auto& [ticket, call] : waiting_) call->failed(why);
  waiting_.clear();
}

void HostedShard::finish_step(Core& core, const std::shared_ptr<GroupCall>& call) {
  if (!effects_.records.empty() && !append(core)) return give_up(call);
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
  set_timer();
}

bool HostedShard::append(Core& core) {
  const base::TimestampMs time_ms = host_.clock.now_ms();
  for (const coordinator::LogRecord& record : effects_.records) {
    records::NewRecord added{.timestamp = time_ms, .key = base::as_bytes(record.key)};
    if (record.value) added.value = base::as_bytes(*record.value);
    batch_.add(added);
  }
  const std::vector<std::byte> bytes = batch_.finish();
  const auto view = records::BatchView::frame(bytes);
  CHECK(view.has_value());
  const AppendOutcome outcome = partition().append(core, *view, true);
  if (outcome.error == ErrorCode::none) {
    appended_end_ = outcome.end_offset;
    return true;
  }
  base::log_error("groups cannot be stored", "topic", topic_->name(), "partition", index_, "error",
                  protocol::name_of(outcome.error), "why", outcome.message);
  return false;
}

void HostedShard::give_up(const std::shared_ptr<GroupCall>& call) {
  effects_.clear();
  shard_.reset();
  if (call != nullptr) {
    call->expect();
    call->failed(ErrorCode::not_coordinator);
  }
  fail_waiting(ErrorCode::not_coordinator);
  // A log that has failed stays so until the next start; one that was only full is worth another look.
  const bool failed = partition().state() != ErrorCode::none;
  state_ = failed ? ErrorCode::coordinator_not_available : ErrorCode::coordinator_load_in_progress;
  if (!failed) start();
}

void HostedShard::let_out(std::shared_ptr<GroupCall> call) {
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

void HostedShard::lost(ErrorCode) {
  const std::lock_guard lock(withheld_mutex_);
  for (Withheld& withheld : withheld_) withheld.call->failed(ErrorCode::coordinator_not_available);
  withheld_.clear();
  registered_ = false;
}

void HostedShard::set_timer() {
  const std::int64_t wake_at_ms = shard_->wake_at_ms();
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
  if (state_ != ErrorCode::none) return;
  if (shard_->wake_at_ms() <= now().steady_ms) shard_->tick(now(), effects_);
  finish_step(home_, nullptr);
}

}  // namespace cms::broker
