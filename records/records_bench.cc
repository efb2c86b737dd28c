// SPDX-License-Identifier: Apache-2.0
// What the broker pays per record and per batch. The counters: nanoseconds per record, bytes of the batch per second.
#include <string>

#include <benchmark/benchmark.h>

#include "records/build.h"
#include "records/iterate.h"
#include "records/validate.h"

namespace cms::records {
namespace {

std::vector<std::byte> batch_of(Codec codec, std::size_t batch_bytes, std::size_t value_bytes) {
  BatchBuilder builder({.codec = codec});
  for (int i = 0; builder.size() < batch_bytes; ++i) {
    std::string value;
    while (value.size() < value_bytes) value += std::to_string(i * 7919 + static_cast<int>(value.size()) * 31) + ",";
    value.resize(value_bytes);
    builder.add({.timestamp = 1'700'000'000'000 + i / 10, .value = base::as_bytes(value)});
  }
  return builder.finish();
}

void count(benchmark::State& state, const BatchView& batch) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(batch.size()));
  state.counters["per_record"] =
      benchmark::Counter(static_cast<double>(batch.record_count()),
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void validate(benchmark::State& state) {
  const std::vector<std::byte> bytes =
      batch_of(static_cast<Codec>(state.range(0)), static_cast<std::size_t>(state.range(1)),
               static_cast<std::size_t>(state.range(2)));
  Validator validator;
  Limits limits;
  limits.now_ms = 1'700'000'000'000;
  limits.batch_bytes_max = std::size_t{16} << 20;
  for (auto _ : state) {
    const Validated validated = validator.validate(bytes, limits);
    CHECK(validated.accepted());
  }
  count(state, *BatchView::frame(bytes));
  state.SetLabel(std::string(to_string(static_cast<Codec>(state.range(0)))));
}
BENCHMARK(validate)
    ->ArgNames({"codec", "batch", "value"})
    ->ArgsProduct({{0}, {100, 16'384, 1'000'000}, {100, 1000}})
    ->ArgsProduct({{1, 2, 3, 4}, {16'384}, {100}});

void iterate(benchmark::State& state) {
  const std::vector<std::byte> bytes = batch_of(static_cast<Codec>(state.range(0)), 16'384, 100);
  RecordReader reader;
  for (auto _ : state) {
    reader.open(*BatchView::frame(bytes));
    while (const RecordView* record = reader.next()) benchmark::DoNotOptimize(record->offset);
  }
  count(state, *BatchView::frame(bytes));
  state.SetLabel(std::string(to_string(static_cast<Codec>(state.range(0)))));
}
BENCHMARK(iterate)->ArgName("codec")->DenseRange(0, 4);

void build(benchmark::State& state) {
  BatchBuilder builder({.codec = static_cast<Codec>(state.range(0))});
  const std::string value(100, 'v');
  std::vector<std::byte> bytes;
  for (auto _ : state) {
    for (int i = 0; i < 150; ++i) builder.add({.timestamp = i, .value = base::as_bytes(value)});
    bytes = builder.finish();
  }
  count(state, *BatchView::frame(bytes));
  state.SetLabel(std::string(to_string(static_cast<Codec>(state.range(0)))));
}
BENCHMARK(build)->ArgName("codec")->DenseRange(0, 4);

}  // namespace
}  // namespace cms::records
