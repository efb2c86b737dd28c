// SPDX-License-Identifier: Apache-2.0
// Power is lost at every step of scripts that append and compact, over seeds; and planted bugs are found.
//
// A failure names its seed. CMS_CRASH_SEED=<seed> runs that one alone; CMS_CRASH_RECOVERIES=<count> does more or fewer.
#include "storage/compaction_script.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "base/log.h"
#include "storage/inline_queue.h"
#include "storage/key_offsets.h"

namespace cms::storage::test {

using base::Result;

namespace {

constexpr char directory[] = "/data/keyed-0";
constexpr int keys = 14;
constexpr int producers = 3;

struct Told final : IoCompletion {
  std::optional<Result<std::size_t>> result;
  void completed(Result<std::size_t> bytes) noexcept override { result = std::move(bytes); }
};

std::uint64_t mixed(std::uint64_t seed, std::uint64_t step) { return base::Random(seed * 1'000'003 + step).next(); }

std::string at(Offset offset) { return " at offset " + std::to_string(offset); }

}  // namespace

void KeyedModel::add(std::vector<ReadRecord> records) {
  const Offset batch_next = records.back().offset + 1;
  for (ReadRecord& record : records) appended_.push_back({std::move(record), batch_next});
}

void KeyedModel::forget_from(Offset next) {
  while (!appended_.empty() && appended_.back().record.offset >= next) appended_.pop_back();
}

const KeyedModel::Appended* KeyedModel::find(Offset offset) const {
  const auto found = std::partition_point(appended_.begin(), appended_.end(),
                                          [&](const Appended& one) { return one.record.offset < offset; });
  return found == appended_.end() || found->record.offset != offset ? nullptr : &*found;
}

KeyedModel::Wrong KeyedModel::check_batches(Log& log, std::set<Offset>& found) const {
  Offset before = -1;
  for (const auto& bytes : read_batches(log, log.first_offset(), log.next_offset(), 3000)) {
    const records::BatchView batch = view_of(bytes);
    if (batch.base_offset() <= before) return "batches overlap" + at(batch.base_offset());
    before = batch.last_offset();
    if (batch.crc() != base::crc32c(batch.checksummed())) return "a wrong checksum" + at(batch.base_offset());
    for (const ReadRecord& record : records_in(bytes)) {
      const Appended* appended = find(record.offset);
      if (appended == nullptr || appended->record != record) return "a record is invented" + at(record.offset);
      if (record.offset > before || !found.insert(record.offset).second) return "records are disordered" + at(before);
    }
  }
  return before + 1 == log.next_offset() || log.first_offset() == log.next_offset()
             ? std::nullopt
             : Wrong("the log ends inside a batch" + at(before));
}

KeyedModel::Wrong KeyedModel::check(Log& log, base::TimestampMs now_ms) const {
  const Offset first = log.first_offset();
  const Offset end = log.next_offset();
  if (end < acknowledged) return "acknowledged records are lost: the log ends" + at(end);
  if (end > next()) return "records are invented: the log ends" + at(end);
  if (first < first_told) return "the start fell" + at(first);
  if (first > std::max(first_at_most, first_told)) return "the start is too high" + at(first);
  std::set<Offset> found;
  if (Wrong wrong = check_batches(log, found)) return wrong;
  std::set<std::string> later;  // keys
  for (auto one = appended_.rbegin(); one != appended_.rend(); ++one) {
    const ReadRecord& record = one->record;
    if (record.offset >= end || record.offset < first) continue;
    const bool is_last = later.insert(*record.key).second;
    const bool may_be_gone = !record.value && now_ms - record.timestamp_ms >= delete_retention_ms;
    if (record.offset >= compacted_end || (is_last && !may_be_gone)) {
      if (found.count(record.offset) == 0)
        return "the last record of " + *record.key + " is missing" + at(record.offset);
    }
  }
  return std::nullopt;
}

CompactionScript::CompactionScript(const CompactionScriptOptions& options)
    : options_(options),
      random_(options.seed),
      arena_(Arena::Options{.budget_bytes = 64u << 20}),
      disk_(std::make_unique<SimulatedDisk>(options.disk)) {
  log_options_.segment_bytes = 1500;
  log_options_.index_interval_bytes = options.seed % 2 == 0 ? 512 : 100;
}

CompactionScript::~CompactionScript() {
  if (disk_) disk_->on_step(nullptr);
}

void CompactionScript::run() {
  CHECK(disk_->make_directories("/data").ok() && disk_->sync_directory("/").ok());
  disk_->on_step([this] { lose_power(); });
  process_ = std::make_unique<Process>(*disk_);
  if (auto opened = open(*process_); !opened) return fail(opened.error().message());
  for (operation_ = 0; operation_ < options_.operations && !wrong_; ++operation_) operate();
}

void CompactionScript::fail(const std::string& what) {
  if (wrong_) return;
  wrong_ =
      "operation " + std::to_string(operation_) + " (" + doing_ + "), step " + std::to_string(steps_) + ": " + what;
}

Result<void> CompactionScript::open(Process& process) {
  SegmentedLog::OpenOptions open_options;
  open_options.tail_bytes_max = 64u << 10;
  auto log = SegmentedLog::open({process.files, arena_, clock_}, directory, log_options_, open_options);
  if (!log) return log.error();
  process.log = std::move(*log);
  return {};
}

void CompactionScript::lose_power() {
  ++steps_;
  if (wrong_ || mixed(options_.seed + 7, steps_) % options_.recover_one_in != 0) return;
  recover_from(disk_->after_power_loss(mixed(options_.seed, steps_)), model_, true);
}

void CompactionScript::recover_from(std::unique_ptr<SimulatedDisk> disk, const KeyedModel& model, bool nested) {
  ++recoveries_;
  disk->set_capacity(options_.disk.capacity_bytes);
  const std::uint64_t dice = mixed(options_.seed + 1, steps_);
  if (nested && dice % 16 == 0) {
    disk->on_step([&, again = std::uint64_t{0}]() mutable {
      if (!wrong_) recover_from(disk->after_power_loss(mixed(options_.seed + 2, steps_ * 100 + ++again)), model, false);
    });
  }
  Process process(*disk);
  if (auto opened = open(process); !opened) return fail("it does not open: " + opened.error().message());
  disk->on_step(nullptr);
  if (auto found = model.check(*process.log, clock_.now_ms())) return fail(*found);
  if (dice % 4 == 1) go_on_after(process, model);
}

// What was found is the truth from then on, and can be compacted again.
void CompactionScript::go_on_after(Process& process, KeyedModel model) {
  model.forget_from(process.log->next_offset());
  model.acknowledged = process.log->next_offset();
  model.first_told = process.log->first_offset();
  base::Random random(mixed(options_.seed + 4, steps_));
  for (int i = 0; i < 12; ++i) append(*process.log, model, random);
  flush(*process.log, model, true);
  compact(*process.log, model, random, false);
  process.log.reset();
  if (auto opened = open(process); !opened) return fail("it does not open again: " + opened.error().message());
  if (auto found = model.check(*process.log, clock_.now_ms())) return fail("after going on: " + *found);
}

void CompactionScript::operate() {
  clock_.advance(std::chrono::milliseconds(random_.below(30)));
  const std::uint64_t dice = random_.below(1000);
  SegmentedLog& log = *process_->log;
  if (dice < 600) return append(log, model_, random_);
  if (dice < 800) return flush(log, model_, !random_.one_in(4));
  if (dice < 930) return compact(log, model_, random_, options_.has_faults && random_.one_in(4));
  if (dice < 950) return background();
  if (dice < 960) return raise_start();
  if (dice < 990) return restart(random_.one_in(2));
  doing_ = "look";
  model_.first_at_most = std::max(model_.first_at_most, log.first_offset());
  if (auto found = model_.check(log, clock_.now_ms())) fail(*found);
}

void CompactionScript::append(SegmentedLog& log, KeyedModel& model, base::Random& random) {
  doing_ = "append";
  std::vector<Keyed> sent;
  std::vector<ReadRecord> records;
  const std::uint64_t count = 1 + random.below(4);
  for (std::uint64_t i = 0; i < count; ++i) {
    Keyed one{"key" + std::to_string(random.below(keys)), std::nullopt, clock_.now_ms()};
    if (!random.one_in(6)) one.value = std::to_string(random.next()) + std::string(random.below(120), 'v');
    records.push_back({log.next_offset() + static_cast<Offset>(i), one.key, one.value, one.timestamp_ms});
    sent.push_back(std::move(one));
  }
  records::BatchOptions batch;
  if (random.one_in(4)) batch.codec = records::Codec::lz4;
  if (random.one_in(3)) {
    // Each batch begins a new epoch, so that whatever was lost before it the sequence is right.
    batch.producer_id = static_cast<records::ProducerId>(random.below(producers));
    batch.producer_epoch = static_cast<records::ProducerEpoch>(log.next_offset() % 30'000);
    batch.base_sequence = 0;
  }
  const auto bytes = keyed_batch(sent, batch);
  model.add(std::move(records));
  const auto appended = log.append(view_of(bytes), epoch_, clock_.now_ms());
  if (!appended) fail(appended.error().message());
}

void CompactionScript::flush(SegmentedLog& log, KeyedModel& model, bool sync) {
  if (!log.wants_flush()) return;
  doing_ = "flush";
  InlineQueue queue;
  Told told;
  log.start_flush(queue, sync, told);
  queue.reap();
  if (auto flushed = log.finish_flush(std::move(*told.result)); !flushed) return fail(flushed.error().message());
  model.acknowledged = std::max(model.acknowledged, log.durable_end());
}

bool CompactionScript::between_pieces(SegmentedLog& log, KeyedModel& model, base::Random& random) {
  const std::string before = doing_;
  if (random.one_in(4)) append(log, model, random);
  if (random.one_in(8)) flush(log, model, true);
  doing_ = before;
  return !wrong_ && !random.one_in(100);
}

void CompactionScript::compact(SegmentedLog& log, KeyedModel& model, base::Random& random, bool with_faults) {
  doing_ = "compact";
  const DirtyRange range = log.dirty_range({.below = log.durable_end(), .now_ms = clock_.now_ms()});
  auto job = log.start_compaction(range, 1, [](const std::function<void()>& work) { work(); });
  if (job == nullptr) return;
  model.compacted_end = std::max(model.compacted_end, range.end);
  CompactionSettings settings;
  settings.now_ms = clock_.now_ms();
  settings.delete_retention_ms = model.delete_retention_ms;
  settings.map_bytes_max = random.one_in(3) ? 16 * KeyOffsets::bytes_per_key : 1u << 16;
  settings.hash_seed = random.next();
  settings.pace_bytes = 1;
  // Meanwhile appends would meet the faults as well, and seal the log.
  if (!with_faults) settings.pace = [&](std::size_t) { return between_pieces(log, model, random); };
  const std::uint64_t kind = random.below(3);
  if (with_faults && kind == 0) disk_->fail_write(1 + random.below(8));
  if (with_faults && kind == 1) disk_->fail_sync(1 + random.below(8));
  if (with_faults && kind == 2) disk_->set_capacity(disk_->used_bytes() + random.below(3000));
  const auto done = storage::compact(*job, settings);
  disk_->fail_write(0);
  disk_->fail_sync(0);
  disk_->set_capacity(options_.disk.capacity_bytes);
  job.reset();
  if (done) replaced_ += done->groups_replaced;
  if (!done && !with_faults && done.error().kind() != base::ErrorKind::closed) fail(done.error().message());
  if (auto found = model.check(log, clock_.now_ms())) fail("after a compaction: " + *found);
}

void CompactionScript::background() {
  doing_ = "background work";
  for (const auto& work : process_->log->take_background_work()) {
    if (auto done = work(); !done) return fail(done.error().message());
  }
}

void CompactionScript::raise_start() {
  doing_ = "raise the start";
  SegmentedLog& log = *process_->log;
  const Offset span = std::max<Offset>(log.durable_end() - log.first_offset(), 0);
  const Offset target =
      log.first_offset() + static_cast<Offset>(random_.below(static_cast<std::uint64_t>(span) / 3 + 1));
  model_.first_at_most = std::max(model_.first_at_most, target);
  if (auto raised = log.raise_first_offset(target, run_alone); !raised) return fail(raised.error().message());
  model_.first_told = log.first_offset();
}

void CompactionScript::restart(bool clean) {
  doing_ = clean ? "close" : "kill";
  if (clean) {
    if (auto closed = process_->log->close(); !closed) return fail(closed.error().message());
    model_.acknowledged = model_.next();
  }
  process_.reset();
  process_ = std::make_unique<Process>(*disk_);
  if (auto opened = open(*process_); !opened) return fail("it does not open: " + opened.error().message());
  if (auto found = model_.check(*process_->log, clock_.now_ms())) return fail(*found);
  model_.forget_from(process_->log->next_offset());
  model_.acknowledged = process_->log->next_offset();
  model_.first_told = process_->log->first_offset();
  ++epoch_;
}

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t recoveries_wanted = 600;
constexpr std::uint64_t recover_one_in = 10;
#else
constexpr std::uint64_t recoveries_wanted = 12'000;
constexpr std::uint64_t recover_one_in = 1;
#endif

class CompactionCrashTest : public testing::Test {
 protected:
  void SetUp() override { base::set_log_level(base::LogLevel::error); }
  void TearDown() override { base::set_log_level(base::LogLevel::info); }

  static std::optional<std::uint64_t> wanted(const char* variable) {
    const char* text = std::getenv(variable);
    if (text == nullptr) return std::nullopt;
    return std::strtoull(text, nullptr, 10);
  }
  static std::string found_with(CompactionScriptOptions options) {
    for (options.seed = 1; options.seed <= 20; ++options.seed) {
      CompactionScript script(options);
      script.run();
      if (script.wrong()) return *script.wrong();
    }
    return "";
  }
};

TEST_F(CompactionCrashTest, NoLastRecordOfAKeyIsLostAndNoneIsInvented) {
  const auto only_seed = wanted("CMS_CRASH_SEED");
  const std::uint64_t enough = only_seed ? 1 : wanted("CMS_CRASH_RECOVERIES").value_or(recoveries_wanted);
  std::uint64_t recoveries = 0;
  std::uint64_t replaced = 0;
  for (std::uint64_t seed = only_seed.value_or(1); recoveries < enough; ++seed) {
    CompactionScript script({.seed = seed, .recover_one_in = recover_one_in, .disk = {.has_direct = seed % 3 != 0}});
    script.run();
    ASSERT_FALSE(script.wrong()) << *script.wrong() << "\nreplay: CMS_CRASH_SEED=" << seed
                                 << " storage_test --gtest_filter=CompactionCrashTest.No*";
    recoveries += script.recoveries();
    replaced += script.replaced();
  }
  if (!only_seed) {
    EXPECT_GT(replaced, recoveries / 1000);
  }
  RecordProperty("recoveries", std::to_string(recoveries));
  RecordProperty("groups_replaced", std::to_string(replaced));
}

TEST_F(CompactionCrashTest, ASyncThatDoesNothingIsFound) {
  EXPECT_NE(found_with({.has_faults = false, .disk = {.sync_does_nothing = true}}), "");
}

TEST_F(CompactionCrashTest, ADirectorySyncThatDoesNothingIsFound) {
  EXPECT_NE(found_with({.has_faults = false, .disk = {.sync_directory_does_nothing = true}}), "");
}

}  // namespace
}  // namespace cms::storage::test
