// SPDX-License-Identifier: Apache-2.0
#include "client/native/batch_layout.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "client/native/batch_walk.h"
#include "client/native/outgoing_batch.h"
#include "records/build.h"

namespace cms::client {
namespace {

constexpr std::int64_t first_ms = 1'700'000'000'000;

struct Sample {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<cms::Header> headers;
  std::int64_t after_ms = 0;
};

const std::vector<Sample>& samples() {
  static const std::vector<Sample> all{
      {"key", "value", {}, 0},
      {std::nullopt, std::nullopt, {}, 5},
      {"", "", {{"trace", cms::View("7f3a")}, {"none", std::nullopt}, {"", cms::View("")}}, -70'000},
      {"k", std::string(100'000, 'x'), {{"big", cms::View(std::string_view("0123456789"))}}, 1'000'000'000},
  };
  return all;
}

std::optional<base::ByteSpan> bytes_of(const std::optional<std::string>& text) {
  return text ? std::optional(base::as_bytes(*text)) : std::nullopt;
}

std::vector<std::byte> built(std::span<const Sample> from, const records::BatchOptions& options) {
  records::BatchBuilder builder(options);
  for (const Sample& sample : from) {
    std::vector<records::HeaderView> headers;
    for (const cms::Header& header : sample.headers)
      headers.push_back({header.key, header.value ? std::optional(header.value->bytes()) : std::nullopt});
    builder.add({first_ms + sample.after_ms, bytes_of(sample.key), bytes_of(sample.value), headers});
  }
  return builder.finish();
}

void add(OutgoingBatch& batch, const Sample& sample) {
  cms::Record record{.headers = sample.headers};
  if (sample.key) record.key = cms::View(std::string_view(*sample.key));
  const RecordLayout layout(record, sample.value ? std::optional(sample.value->size()) : std::nullopt);
  const std::int64_t timestamp_ms = first_ms + sample.after_ms;
  std::byte* const value = batch.add(layout, layout.size(batch.place_of(timestamp_ms)), timestamp_ms, 1);
  if (sample.value) std::memcpy(value, sample.value->data(), sample.value->size());
}

TEST(BatchLayoutTest, ABatchIsWhatTheBuilderMakesByteForByte) {
  for (std::size_t count = 1; count <= samples().size(); ++count) {
    const std::span<const Sample> some(samples().data(), count);
    records::BatchOptions options;
    options.producer_id = 4711;
    options.producer_epoch = 3;
    options.base_sequence = 17;
    OutgoingBatch batch;
    batch.begin();
    for (const Sample& sample : some) add(batch, sample);
    batch.fields.producer_id = 4711;
    batch.fields.producer_epoch = 3;
    batch.fields.base_sequence = 17;
    seal_batch({batch.memory.data(), batch.bytes}, batch.fields);
    const std::vector<std::byte> expected = built(some, options);
    EXPECT_EQ(std::vector<std::byte>(batch.memory.begin(), batch.memory.begin() + static_cast<long>(batch.bytes)),
              expected)
        << count;
  }
}

TEST(BatchLayoutTest, EachRecordAloneIsWhatTheBuilderMakes) {
  OutgoingBatch batch;  // used again and again, as in a pool
  for (const Sample& sample : samples()) {
    batch.begin();
    add(batch, sample);
    seal_batch({batch.memory.data(), batch.bytes}, batch.fields);
    const std::vector<std::byte> expected = built({&sample, 1}, {});
    EXPECT_EQ(std::vector<std::byte>(batch.memory.begin(), batch.memory.begin() + static_cast<long>(batch.bytes)),
              expected);
  }
}

TEST(BatchLayoutTest, ABatchIsTheSameWhenItsValueComesLast) {
  for (const std::size_t size : {0u, 1u, 8191u, 8192u, 8193u, 100'000u}) {
    std::string value(size, 'v');
    for (std::size_t i = 0; i < size; ++i) value[i] = static_cast<char>(i * 131 >> 3);
    const cms::Record record{.key = cms::View("key")};
    const RecordLayout layout(record, size);
    OutgoingBatch together;
    OutgoingBatch around;
    for (OutgoingBatch* const batch : {&together, &around}) {
      batch->begin();
      std::byte* const to = batch->add(layout, layout.size({}), first_ms, 1);
      if (batch == &around) {
        seal_batch_around({batch->memory.data(), batch->bytes}, batch->fields, to, base::as_bytes(value));
      } else {
        std::ranges::copy(base::as_bytes(value), to);
        seal_batch({batch->memory.data(), batch->bytes}, batch->fields);
      }
    }
    EXPECT_TRUE(std::ranges::equal(together.memory, around.memory)) << size;
    const auto batch = records::BatchView::frame(around.memory);
    ASSERT_TRUE(batch.has_value()) << size;
    EXPECT_EQ(base::crc32c(batch->checksummed()), batch->crc()) << size;
  }
}

TEST(BatchLayoutTest, ARecordBeyondWhatAnInt32CanSayHasNoSize) {
  const cms::Record record;
  EXPECT_TRUE(RecordLayout(record, 3).is_possible());
  EXPECT_FALSE(RecordLayout(record, std::size_t{3} << 30).is_possible());
}

std::vector<std::byte> batch_at(records::Offset offset, int count, records::BatchOptions options = {}) {
  options.base_offset = offset;
  records::BatchBuilder builder(options);
  for (int i = 0; i < count; ++i) {
    const std::string value = std::to_string(offset + i);
    builder.add({first_ms, std::nullopt, base::as_bytes(value)});
  }
  return builder.finish();
}

std::vector<std::byte> joined(std::initializer_list<std::vector<std::byte>> batches) {
  std::vector<std::byte> run;
  for (const auto& batch : batches) run.insert(run.end(), batch.begin(), batch.end());
  return run;
}

std::vector<records::Offset> walked(BatchWalk& walk, base::ByteSpan run, records::Offset& next) {
  std::vector<records::Offset> offsets;
  walk.open(run);
  while (const records::RecordView* record = walk.next(next)) {
    EXPECT_EQ(base::as_text(*record->value), std::to_string(record->offset));
    offsets.push_back(record->offset);
  }
  return offsets;
}

TEST(BatchWalkTest, RecordsBeforeTheOffsetWantedAreSkipped) {
  BatchWalk walk(true);
  records::Offset next = 12;
  EXPECT_EQ(walked(walk, joined({batch_at(5, 3), batch_at(10, 4), batch_at(20, 2)}), next),
            (std::vector<records::Offset>{12, 13, 20, 21}));
  EXPECT_EQ(next, 22);
  EXPECT_TRUE(walk.status());
}

TEST(BatchWalkTest, CompressedBatchesAreReadWithEveryCodec) {
  for (const records::Codec codec :
       {records::Codec::gzip, records::Codec::snappy, records::Codec::lz4, records::Codec::zstd}) {
    records::BatchOptions options;
    options.codec = codec;
    BatchWalk walk(true);
    records::Offset next = 0;
    EXPECT_EQ(walked(walk, batch_at(0, 500, options), next).size(), 500u);
    EXPECT_EQ(next, 500);
  }
}

TEST(BatchWalkTest, OfAControlBatchOnlyThePlaceIsTaken) {
  records::BatchOptions control;
  control.control = true;
  BatchWalk walk(true);
  records::Offset next = 0;
  EXPECT_EQ(walked(walk, joined({batch_at(0, 1), batch_at(1, 1, control), batch_at(2, 1)}), next),
            (std::vector<records::Offset>{0, 2}));
  EXPECT_EQ(next, 3);
  EXPECT_TRUE(walked(walk, batch_at(3, 1, control), next).empty());
  EXPECT_EQ(next, 4);
}

TEST(BatchWalkTest, AFlippedBitAndACutAreSeen) {
  std::vector<std::byte> run = batch_at(0, 3);
  run.back() ^= std::byte{1};
  BatchWalk walk(true);
  records::Offset next = 0;
  EXPECT_TRUE(walked(walk, run, next).empty());
  EXPECT_FALSE(walk.status());
  EXPECT_EQ(next, 0);
  run = joined({batch_at(0, 3), batch_at(3, 3)});
  run.pop_back();
  EXPECT_EQ(walked(walk, run, next).size(), 3u);
  EXPECT_FALSE(walk.status());
}

TEST(BatchListTest, BatchesGoAgainInFrontOfThoseThatWait) {
  OutgoingBatch batches[4];
  BatchList waiting;
  BatchList again;
  waiting.push_back(&batches[2]);
  waiting.push_back(&batches[3]);
  again.push_back(&batches[0]);
  again.push_back(&batches[1]);
  waiting.prepend(again);
  EXPECT_TRUE(again.empty());
  EXPECT_EQ(waiting.size(), 4u);
  EXPECT_TRUE(waiting.remove(&batches[3]));
  EXPECT_FALSE(waiting.remove(&batches[3]));
  EXPECT_TRUE(waiting.remove(&batches[1]));
  EXPECT_EQ(waiting.back(), &batches[2]);
  EXPECT_EQ(waiting.pop_front(), &batches[0]);
  EXPECT_EQ(waiting.pop_front(), &batches[2]);
  EXPECT_TRUE(waiting.empty());
}

}  // namespace
}  // namespace cms::client
