// SPDX-License-Identifier: Apache-2.0
// The data path allocates nothing once its objects have seen the shape of the traffic. Counted by replacing operator
// new of this test program.
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "protocol/header.h"
#include "protocol/messages.h"
#include "protocol/testing/bytes.h"

namespace {
thread_local std::size_t allocations = 0;
}

[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace cms::protocol {
namespace {

template <typename Action>
std::size_t allocations_of(Action action) {
  const std::size_t before = allocations;
  action();
  return allocations - before;
}

ProduceRequest some_produce_request() {
  ProduceRequest request;
  request.transactional_id = "a transactional id that is too long for the string itself";
  for (int topic = 0; topic < 3; ++topic) {
    ProduceRequest::Topic& into = request.topic_data.emplace_back();
    into.name = "a topic name that is too long for the string itself " + std::to_string(topic);
    for (int partition = 0; partition < 5; ++partition) {
      into.partition_data.push_back({partition, base::as_bytes("some record batches")});
    }
  }
  return request;
}

FetchRequest some_fetch_request() {
  FetchRequest request;
  request.rack_id = "a rack id that is too long for the string itself";
  for (int topic = 0; topic < 3; ++topic) {
    FetchRequest::Topic& into = request.topics.emplace_back();
    into.topic = "a topic name that is too long for the string itself " + std::to_string(topic);
    into.partitions.resize(4);
  }
  request.forgotten_topics_data.emplace_back().partitions = {1, 2, 3};
  return request;
}

TEST(Allocation, ReadingTheSameShapeAgainAllocatesNothing) {
  for (const Version version : {Version{3}, Version{9}, Version{13}}) {
    const std::vector<std::byte> bytes = testing::written(some_produce_request(), version);
    ProduceRequest reused;
    ASSERT_TRUE(read(bytes, version, reused));
    EXPECT_EQ(allocations_of([&] { CHECK(read(bytes, version, reused)); }), 0u) << version;
  }
  for (const Version version : {Version{4}, Version{12}, Version{18}}) {
    const std::vector<std::byte> bytes = testing::written(some_fetch_request(), version);
    FetchRequest reused;
    ASSERT_TRUE(read(bytes, version, reused));
    EXPECT_EQ(allocations_of([&] { CHECK(read(bytes, version, reused)); }), 0u) << version;
  }
}

TEST(Allocation, HeadersAreReadIntoTheSameMemory) {
  FrameBuffer out;
  write_request_header({ApiKey::fetch, 12, 1, "a client id that is too long for the string itself"}, out);
  const std::vector<std::byte> frame = testing::on_the_wire(out);
  RequestHeader reused;
  ASSERT_TRUE(read_request_header(frame, reused));
  EXPECT_EQ(allocations_of([&] { CHECK(read_request_header(frame, reused)); }), 0u);
}

TEST(Allocation, WritingIntoAClearedBufferAllocatesNothing) {
  const base::Bytes batch = base::Bytes::copy_of("some record batches");
  FetchResponse response;
  FrameBuffer out;
  const auto answer = [&] {
    response.responses.resize(2);
    for (FetchResponse::Topic& topic : response.responses) {
      topic.partitions.resize(3);
      for (FetchResponse::Partition& partition : topic.partitions) {
        partition.records.reset();
        partition.records.append(batch);
        partition.records.append(batch);
      }
    }
    write_response(17, 1, response, out);
    write_response(12, 2, response, out);
    CHECK(out.gather().size() == 37);
    out.clear();
  };
  answer();
  EXPECT_EQ(allocations_of(answer), 0u);
}

}  // namespace
}  // namespace cms::protocol
