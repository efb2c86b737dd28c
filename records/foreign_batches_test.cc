// SPDX-License-Identifier: Apache-2.0
// Batches that Kafka's own clients made: testdata/README.md says how, and what is in them.
#include <gtest/gtest.h>

#include "records/iterate.h"
#include "records/test_batches.h"
#include "records/validate.h"

namespace cms::records {
namespace {

using namespace testing;

std::string value_of(int index) {
  std::string value;
  for (int repeat = 0; repeat < 40; ++repeat) value += "record " + std::to_string(index) + " ";
  return value;
}

Validated validate(ByteSpan bytes) {
  Limits limits;
  limits.timestamp_after_max_ms = std::numeric_limits<std::int64_t>::max();
  return Validator().validate(bytes, limits);
}

void expect_first_java_records(RecordReader& reader) {
  const RecordView* record = reader.next();
  ASSERT_NE(record, nullptr);
  EXPECT_EQ(record->timestamp, sample_time_ms);
  EXPECT_EQ(text_of(record->key), "key-0");
  EXPECT_EQ(text_of(record->value), "value zero");
  ASSERT_EQ(record->headers.size(), 2U);
  auto header = record->headers.begin();
  EXPECT_EQ(header->key, "h1");
  EXPECT_EQ(text_of(header->value), "a");
  ++header;
  EXPECT_EQ(header->key, "h2");
  EXPECT_EQ(text_of(header->value), "null");
  record = reader.next();
  ASSERT_NE(record, nullptr);
  EXPECT_EQ(record->timestamp, sample_time_ms + 5);
  EXPECT_EQ(text_of(record->key), "null");
  EXPECT_EQ(text_of(record->value), "");
  record = reader.next();
  ASSERT_NE(record, nullptr);
  EXPECT_EQ(record->timestamp, sample_time_ms + 3);
  EXPECT_EQ(text_of(record->key), "k2");
  EXPECT_EQ(text_of(record->value), "null");
}

class JavaBatch : public ::testing::TestWithParam<const char*> {};

TEST_P(JavaBatch, IsAcceptedAndReadRecordByRecord) {
  const std::vector<std::byte> bytes = read_test_file(GetParam());
  const Validated validated = validate(bytes);
  ASSERT_TRUE(validated.accepted()) << validated.message;
  const BatchView batch = *validated.batch;
  EXPECT_TRUE(validated.header_max_timestamp_is_right);
  EXPECT_EQ(batch.producer_id(), 7001);
  EXPECT_EQ(batch.producer_epoch(), 3);
  EXPECT_EQ(batch.base_sequence(), 40);
  RecordReader reader(batch);
  expect_first_java_records(reader);
  for (int index = 3; index < batch.record_count(); ++index) {
    const RecordView* record = reader.next();
    ASSERT_NE(record, nullptr) << index;
    EXPECT_EQ(record->offset, index);
    EXPECT_EQ(text_of(record->value), value_of(index));
    EXPECT_EQ(record->timestamp, sample_time_ms + index);
  }
  EXPECT_EQ(reader.next(), nullptr);
  EXPECT_TRUE(reader.status());
}

INSTANTIATE_TEST_SUITE_P(Java, JavaBatch,
                         ::testing::Values("java-none-3.batch", "java-gzip-3.batch", "java-snappy-3.batch",
                                           "java-lz4-3.batch", "java-zstd-3.batch", "java-gzip-300.batch",
                                           "java-snappy-300.batch", "java-lz4-300.batch", "java-zstd-300.batch",
                                           "java-zstd22-300.batch", "java-lz4hc17-300.batch"));

class LibrdkafkaBatch : public ::testing::TestWithParam<const char*> {};

TEST_P(LibrdkafkaBatch, IsAcceptedAndReadRecordByRecord) {
  const std::vector<std::byte> bytes = read_test_file(GetParam());
  const Validated validated = validate(bytes);
  ASSERT_TRUE(validated.accepted()) << validated.message;
  EXPECT_EQ(validated.batch->record_count(), 300);
  RecordReader reader(*validated.batch);
  for (int index = 0; index < 300; ++index) {
    const RecordView* record = reader.next();
    ASSERT_NE(record, nullptr) << index;
    EXPECT_EQ(text_of(record->key), "key-" + std::to_string(index));
    EXPECT_EQ(text_of(record->value), value_of(index));
    EXPECT_EQ(record->headers.size(), 2U);
  }
  EXPECT_EQ(reader.next(), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Librdkafka, LibrdkafkaBatch,
                         ::testing::Values("librdkafka-gzip-300.batch", "librdkafka-snappy-300.batch",
                                           "librdkafka-lz4-300.batch", "librdkafka-zstd-300.batch"));

}  // namespace
}  // namespace cms::records
