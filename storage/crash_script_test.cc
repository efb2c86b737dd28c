// SPDX-License-Identifier: Apache-2.0
#include "storage/crash_script.h"

namespace cms::storage::test {

using base::Result;

namespace {

constexpr char directory[] = "/data/orders-0";
constexpr records::ProducerId producers = 6;

struct Told final : IoCompletion {
  std::optional<Result<std::size_t>> result;
  void completed(Result<std::size_t> bytes) noexcept override { result = std::move(bytes); }
};

LogOptions small_segments(std::uint64_t seed) {
  LogOptions options;
  options.segment_bytes = 24u << 10;
  options.index_interval_bytes = seed % 2 == 0 ? 1024 : 128;  // few entries, or so many that flushes write them
  return options;
}

std::uint64_t mixed(std::uint64_t seed, std::uint64_t step) { return base::Random(seed * 1'000'003 + step).next(); }

}  // namespace

CrashScript::CrashScript(const CrashScriptOptions& options)
    : options_(options),
      random_(options.seed),
      arena_(Arena::Options{.budget_bytes = 64u << 20}),
      log_options_(small_segments(options.seed)),
      disk_(std::make_unique<SimulatedDisk>(options.disk)) {}

CrashScript::~CrashScript() {
  if (process_ != nullptr) process_->background.clear();
}

void CrashScript::run() {
  CHECK(disk_->make_directories("/data").ok() && disk_->sync_directory("/").ok());
  watch_disk();
  process_ = std::make_unique<Process>(*disk_, random_.next());
  if (auto opened = open(*process_); !opened) return fail(opened.error().message());
  for (operation_ = 0; operation_ < options_.operations && !wrong_; ++operation_) operate();
  if (!wrong_) reopen(true);
}

void CrashScript::fail(const std::string& what) {
  if (wrong_) return;
  wrong_ =
      "operation " + std::to_string(operation_) + " (" + doing_ + "), step " + std::to_string(steps_) + ": " + what;
}

Result<void> CrashScript::open(Process& process) {
  SegmentedLog::OpenOptions open_options;
  open_options.tail_bytes_max = 64u << 10;
  auto log = SegmentedLog::open({process.files, arena_, clock_}, directory, log_options_, open_options);
  if (!log) return log.error();
  process.log = std::move(*log);
  return {};
}

void CrashScript::watch_disk() {
  disk_->on_step([this] { lose_power(); });
}

void CrashScript::lose_power() {
  ++steps_;
  if (wrong_ || mixed(options_.seed + 7, steps_) % options_.recover_one_in != 0) return;
  recover_from(disk_->after_power_loss(mixed(options_.seed, steps_)), model_, true);
}

void CrashScript::recover_from(std::unique_ptr<SimulatedDisk> disk, const CrashModel& model, bool nested) {
  ++recoveries_;
  disk->set_capacity(options_.disk.capacity_bytes);  // a full one is made room on before it is tried again
  const std::uint64_t dice = mixed(options_.seed + 1, steps_);
  if (nested && dice % 32 == 0) {
    disk->on_step([&, again = std::uint64_t{0}]() mutable {
      if (!wrong_) recover_from(disk->after_power_loss(mixed(options_.seed + 2, steps_ * 100 + ++again)), model, false);
    });
  }
  Process process(*disk, dice);
  if (auto opened = open(process); !opened) return fail("it does not open: " + opened.error().message());
  disk->on_step(nullptr);
  if (auto found = model.check(*process.log)) return fail(*found);
  if (dice % 4 != 1) return;
  const base::TimestampMs time_ms = clock_.now_ms() - static_cast<base::TimestampMs>(dice % 5000);
  if (auto found = model.check_time(*process.log, time_ms)) return fail(*found);
  go_on_after(*disk, process, model);
}

// What was found is the truth from then on: it must survive the next loss together with what is added to it.
void CrashScript::go_on_after(SimulatedDisk& disk, Process& process, CrashModel model) {
  model.forget_from(process.log->next_offset());
  model.acknowledged = process.log->next_offset();
  model.first_told = process.log->first_offset();
  base::Random random(mixed(options_.seed + 4, steps_));
  for (int i = 0; i < 3; ++i) {
    if (!append_to(*process.log, model, random)) return;
  }
  if (auto flushed = drive_flush(process, true, false); !flushed) return fail(flushed.error().message());
  model.acknowledged = process.log->durable_end();
  auto again = disk.after_power_loss(mixed(options_.seed + 3, steps_));
  process.log.reset();
  Process other(*again, 1);
  if (auto opened = open(other); !opened) return fail("it does not open again: " + opened.error().message());
  if (auto found = model.check(*other.log)) return fail("after going on: " + *found);
}

void CrashScript::operate() {
  clock_.advance(std::chrono::milliseconds(random_.below(20)));
  const std::uint64_t dice = random_.below(1000);
  if (dice < 560) return append();
  if (dice < 760) return flush(true, false);
  if (dice < 810) return flush(false, false);
  if (dice < 870) return flush(random_.one_in(2), true);
  if (dice < 920) return background();
  if (dice < 940) return retention();
  if (dice < 955) return raise_start();
  if (dice < 980) return look();
  if (dice < 986) return reopen(true);
  if (dice < 992) return reopen(false);
  if (options_.has_faults) return flush_with_fault();
}

void CrashScript::append() {
  doing_ = "append";
  if (random_.one_in(40)) ++epoch_;
  append_to(*process_->log, model_, random_);
}

void CrashScript::flush(bool sync, bool append_meanwhile) {
  if (!process_->log->wants_flush()) return;
  doing_ = sync ? "flush with sync" : "flush";
  if (options_.acknowledge_before_sync && sync) model_.acknowledged = model_.next();
  if (auto flushed = drive_flush(*process_, sync, append_meanwhile); !flushed) return fail(flushed.error().message());
  model_.acknowledged = std::max(model_.acknowledged, process_->log->durable_end());
}

void CrashScript::flush_with_fault() {
  if (!process_->log->wants_flush()) return;
  const std::uint64_t kind = random_.below(3);
  doing_ = kind == 0 ? "failed write" : kind == 1 ? "failed sync" : "full disk";
  if (kind == 0) disk_->fail_write(1 + random_.below(2));
  if (kind == 1) disk_->fail_sync(1);
  if (kind == 2) disk_->set_capacity(disk_->used_bytes());
  const auto flushed = drive_flush(*process_, true, false);
  disk_->fail_write(0);
  disk_->fail_sync(0);
  disk_->set_capacity(options_.disk.capacity_bytes);
  if (flushed) {
    model_.acknowledged = std::max(model_.acknowledged, process_->log->durable_end());
    return;
  }
  const auto batch = make_batch({});
  if (process_->log->append(view_of(batch), epoch_, 0)) return fail("a sealed log takes records");
  if (model_.acknowledged > process_->log->durable_end()) return fail("durable_end() fell");
  // Either way: after a failed sync and no loss of power, memory shows what the disk may never get.
  if (random_.one_in(2)) {
    process_.reset();
    disk_ = disk_->after_power_loss(random_.next());
    watch_disk();
  }
  restart();
}

// Workers may take up later work before earlier.
void CrashScript::background() {
  auto work = process_->log->take_background_work();
  if (!work.empty()) process_->background.push_back(std::move(work));
  if (random_.one_in(3)) return;
  work_off();
  model_.first_at_most = model_.first_told;  // nothing is left that could raise it
}

void CrashScript::work_off() {
  doing_ = "background work";
  auto& background = process_->background;
  while (!background.empty()) {
    const auto chosen = background.begin() + static_cast<std::ptrdiff_t>(random_.below(background.size()));
    const auto batch = std::move(*chosen);
    background.erase(chosen);
    for (const auto& one : batch) {
      if (auto done = one(); !done) return fail(done.error().message());
      // What becomes visible has been made durable before.
      model_.first_told = process_->log->first_offset();
    }
  }
}

void CrashScript::retention() {
  log_options_.retention.bytes = static_cast<std::int64_t>(random_.below(160u << 10));
  process_->log->set_options(log_options_);
  model_.first_at_most = model_.next();
  doing_ = "retention";
  process_->log->apply_retention(clock_.now_ms());
  if (random_.one_in(2)) background();
}

void CrashScript::raise_start() {
  SegmentedLog& log = *process_->log;
  doing_ = "raise the start";
  const Offset span = std::max<Offset>(log.durable_end() - log.first_offset(), 0);
  const Offset target =
      log.first_offset() + static_cast<Offset>(random_.below(static_cast<std::uint64_t>(span) / 2 + 1));
  model_.first_at_most = std::max(model_.first_at_most, target);
  if (auto raised = log.raise_first_offset(target, run_alone); !raised) return fail(raised.error().message());
  if (log.first_offset() < target) return fail("the start was not raised");
  model_.first_told = log.first_offset();
  if (random_.one_in(2)) background();
}

void CrashScript::look() {
  doing_ = "look";
  CrashModel model = model_;
  model.first_at_most = model.next();
  if (auto found = model.check(*process_->log)) fail(*found);
}

void CrashScript::reopen(bool clean) {
  doing_ = clean ? "close" : "kill";
  if (clean) {
    model_.first_at_most = std::max(model_.first_at_most, process_->log->first_offset());
    if (random_.one_in(2)) work_off();
    if (auto closed = process_->log->close(); !closed) return fail(closed.error().message());
    model_.acknowledged = model_.next();
    work_off();
  }
  restart();
  if (clean && !wrong_ && process_->log->recovered_bytes() > 0) fail("a log that was closed had to be recovered");
}

void CrashScript::restart() {
  process_.reset();
  if (wrong_) return;
  process_ = std::make_unique<Process>(*disk_, random_.next());
  if (auto opened = open(*process_); !opened) return fail("it does not open: " + opened.error().message());
  if (auto found = model_.check(*process_->log)) return fail(*found);
  model_.forget_from(process_->log->next_offset());
  model_.acknowledged = process_->log->next_offset();
  model_.first_told = process_->log->first_offset();
  model_.first_at_most = model_.first_told;
  ++epoch_;
}

BatchSpec CrashScript::next_spec(base::Random& random, const CrashModel& model) {
  BatchSpec spec;
  spec.records = 1 + static_cast<std::int32_t>(random.below(5));
  spec.payload_bytes = random.one_in(20) ? random.below(9000) : random.below(600);
  spec.timestamp_ms = clock_.now_ms() - static_cast<base::TimestampMs>(random.below(50));
  spec.fill = static_cast<std::uint8_t>(random.below(256));
  if (random.one_in(3)) return spec;
  spec.producer_id = static_cast<records::ProducerId>(random.below(producers));
  const AppendedBatch* last = model.last_of(spec.producer_id, model.next());
  spec.producer_epoch = last == nullptr ? records::ProducerEpoch{0} : last->spec.producer_epoch;
  spec.base_sequence = last == nullptr ? 0 : records::advance_sequence(last->spec.base_sequence, last->spec.records);
  if (last != nullptr && random.one_in(20)) {
    ++spec.producer_epoch;
    spec.base_sequence = 0;
  }
  return spec;
}

bool CrashScript::append_to(SegmentedLog& log, CrashModel& model, base::Random& random) {
  const BatchSpec spec = next_spec(random, model);
  const auto bytes = make_batch(spec);
  // A log whose last records were lost must have forgotten their producers, too.
  if (!std::holds_alternative<ProducerStates::Append>(log.producers().check(view_of(bytes)))) {
    fail("the next batch of a producer is refused");
    return false;
  }
  const Offset next = log.next_offset();
  if (next != std::max(model.next(), log.first_offset())) {
    fail("the log goes on at the wrong offset");
    return false;
  }
  model.add(spec, bytes, next, epoch_);
  const auto appended = log.append(view_of(bytes), epoch_, clock_.now_ms());
  if (!appended) fail(appended.error().message());
  return appended.ok();
}

Result<void> CrashScript::drive_flush(Process& process, bool sync, bool append_meanwhile) {
  Told told;
  process.log->start_flush(process.queue, sync, told);
  while (!told.result) {
    process.queue.submit();
    if (append_meanwhile && random_.one_in(2)) append_to(*process.log, model_, random_);
    if (append_meanwhile && random_.one_in(8)) background();
    process.queue.reap();
  }
  return process.log->finish_flush(std::move(*told.result));
}

}  // namespace cms::storage::test
