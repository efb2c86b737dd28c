// SPDX-License-Identifier: Apache-2.0
// The two messages that carry the data: reading a Produce request, writing a Fetch response.
#include <benchmark/benchmark.h>

#include "protocol/header.h"
#include "protocol/messages.h"
#include "protocol/testing/bytes.h"

namespace cms::protocol {
namespace {

void read_produce(benchmark::State& state) {
  const Version version = 9;
  const std::string batch(1024, 'b');
  ProduceRequest request;
  ProduceRequest::Topic& topic = request.topic_data.emplace_back();
  topic.name = "a-topic-of-some-length";
  for (int index = 0; index < state.range(0); ++index) topic.partition_data.push_back({index, base::as_bytes(batch)});
  FrameBuffer out;
  write_request_header({ApiKey::produce, version, 1, "a-producer"}, out);
  write(request, version, out);
  const std::vector<std::byte> frame = testing::on_the_wire(out);

  RequestHeader header;
  ProduceRequest reused;
  for (auto _ : state) {
    const auto body = read_request_header(frame, header);
    CHECK(body && read(*body, header.api_version, reused));
    benchmark::DoNotOptimize(reused);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(read_produce)->ArgName("partitions")->Arg(1)->Arg(100);

void write_fetch(benchmark::State& state) {
  const base::Bytes batch = base::Bytes::copy_of(std::string(64 << 10, 'b'));
  FetchResponse response;
  FetchResponse::Topic& topic = response.responses.emplace_back();
  topic.partitions.resize(static_cast<std::size_t>(state.range(0)));
  for (FetchResponse::Partition& partition : topic.partitions) partition.records.append(batch);
  FrameBuffer out;
  for (auto _ : state) {
    write_response(17, 1, response, out);
    benchmark::DoNotOptimize(out.gather());
    out.clear();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(write_fetch)->ArgName("partitions")->Arg(1)->Arg(100);

void read_fetch(benchmark::State& state) {
  FetchRequest request;
  request.topics.emplace_back().partitions.resize(static_cast<std::size_t>(state.range(0)));
  const std::vector<std::byte> body = testing::written(request, 17);
  FetchRequest reused;
  for (auto _ : state) {
    CHECK(read(body, 17, reused));
    benchmark::DoNotOptimize(reused);
  }
}
BENCHMARK(read_fetch)->ArgName("partitions")->Arg(1)->Arg(100);

}  // namespace
}  // namespace cms::protocol
