// SPDX-License-Identifier: Apache-2.0
// A segmented log on a simulated disk, for tests: append, flush, lose power, open again.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "storage/formats.h"
#include "storage/inline_queue.h"
#include "storage/segmented_log.h"
#include "storage/simulated_disk.h"
#include "storage/test_batches.h"

namespace cms::storage::test {

class Told final : public IoCompletion {
 public:
  void completed(base::Result<std::size_t> bytes) noexcept override { result = std::move(bytes); }
  std::optional<base::Result<std::size_t>> result;
};

class SegmentedLogFixture : public ::testing::Test {
 protected:
  static constexpr const char* directory = "data/topic-0";

  void start() {
    files_ = std::make_unique<OpenFiles>(*disk_, 100);
    log_ = SegmentedLog::open({*files_, arena_, clock_}, directory, options_, open_options_).value();
  }
  base::Result<std::unique_ptr<SegmentedLog>> try_start() {
    files_ = std::make_unique<OpenFiles>(*disk_, 100);
    return SegmentedLog::open({*files_, arena_, clock_}, directory, options_, open_options_);
  }
  void stop() {
    log_.reset();
    files_.reset();
  }
  // As if the process had been killed: what was written stays.
  void kill_and_start() {
    stop();
    start();
  }
  void lose_power(std::uint64_t seed) {
    stop();
    disk_ = disk_->after_power_loss(seed);
    start();
  }

  Offset append(const BatchSpec& spec = {}, LeaderEpoch epoch = 0) {
    const auto bytes = make_batch(spec);
    return log_->append(view_of(bytes), epoch, clock_.now_ms()).value();
  }
  base::Result<void> flush(bool sync = true) {
    Told told;
    log_->start_flush(queue_, sync, told);
    queue_.reap();
    return log_->finish_flush(told.result.value());
  }
  void run_background() {
    for (const auto& work : log_->take_background_work()) EXPECT_TRUE(work().ok());
  }

  // All batches of [from, below), hot or cold.
  std::vector<Offset> offsets(Offset from, Offset below) {
    std::vector<Offset> all;
    while (from < below) {
      std::vector<base::Bytes> slices;
      const LogRead got = log_->read(from, below, 100'000, slices).value();
      if (got.cold) {
        std::vector<std::byte> bytes(got.cold->bytes);
        EXPECT_EQ(got.cold->file->read_at(got.cold->position, bytes).value(), bytes.size());
        slices = whole_batches(bytes, from, below);
      }
      if (slices.empty()) break;
      for (const Offset offset : offsets_in(slices)) all.push_back(offset);
      from = next_after(slices.back());
    }
    return all;
  }

  static std::vector<Offset> range(Offset from, Offset below) {
    std::vector<Offset> all;
    for (Offset offset = from; offset < below; ++offset) all.push_back(offset);
    return all;
  }

  static std::string path(Offset base, std::string_view suffix) {
    return std::string(directory) + "/" + formats::offset_name(base, suffix);
  }
  std::vector<std::byte> content(const std::string& file) { return read_file(*disk_, file, 1u << 30).value(); }
  std::vector<std::string> names(std::string_view part) {
    std::vector<std::string> found;
    const std::vector<std::string> all = disk_->list(directory).value();
    for (const std::string& name : all) {
      if (name.find(part) != std::string::npos) found.push_back(name);
    }
    return found;
  }

  std::unique_ptr<SimulatedDisk> disk_ = std::make_unique<SimulatedDisk>();
  Arena arena_{{.budget_bytes = 256 << 20, .pool_bytes_max = 8 << 20}};
  base::ManualClock clock_;
  LogOptions options_;
  SegmentedLog::OpenOptions open_options_;
  InlineQueue queue_;
  std::unique_ptr<OpenFiles> files_;
  std::unique_ptr<SegmentedLog> log_;

 private:
  static std::vector<base::Bytes> whole_batches(const std::vector<std::byte>& bytes, Offset from, Offset below) {
    std::vector<base::Bytes> batches;
    for (base::ByteSpan rest = bytes; !rest.empty();) {
      const auto batch = records::BatchView::frame(rest);
      if (!batch || batch->next_offset() > below) break;
      if (batch->next_offset() > from) batches.push_back(base::Bytes::copy_of(batch->bytes()));
      rest = rest.subspan(batch->size());
    }
    return batches;
  }
  static Offset next_after(const base::Bytes& slice) {
    Offset next = 0;
    for (base::ByteSpan rest = slice; !rest.empty();) {
      const auto batch = records::BatchView::frame(rest);
      next = batch->next_offset();
      rest = rest.subspan(batch->size());
    }
    return next;
  }
};

}  // namespace cms::storage::test
