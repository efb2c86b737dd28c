// SPDX-License-Identifier: Apache-2.0
#include "records/validate.h"

#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "records/record.h"
#include "records/test_batches.h"

namespace cms::records {
namespace {

using namespace testing;

Limits lenient() {
  Limits limits;
  limits.now_ms = sample_time_ms;
  return limits;
}

Validated validate(ByteSpan records, const Limits& limits = lenient()) { return Validator().validate(records, limits); }

// One record's bytes: its fields after the length, and the length before them.
std::vector<std::byte> raw_record(std::initializer_list<int> body, std::optional<int> length = std::nullopt) {
  std::vector<std::byte> bytes(varint32_bytes_max);
  std::byte* const end =
      store_varint(bytes.data(), static_cast<std::int32_t>(length.value_or(static_cast<int>(body.size()))));
  bytes.resize(static_cast<std::size_t>(end - bytes.data()));
  for (const int value : body) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

// In the bodies below 0 is 0, 1 is -1, 2 is 1: varints fold the sign into the lowest bit.
Validated validate_record(std::initializer_list<int> body, std::optional<int> length = std::nullopt) {
  return validate(batch_around(raw_record(body, length), 1));
}

TEST(Validate, GoodBatchesOfEveryCodecAreAccepted) {
  for (const Codec codec : all_codecs) {
    const std::vector<std::byte> batch = sample_batch({.codec = codec}, 1000);
    const Validated validated = validate(batch);
    ASSERT_TRUE(validated.accepted()) << to_string(codec) << ": " << validated.message;
    EXPECT_EQ(validated.batch->bytes().data(), batch.data());
    EXPECT_EQ(validated.max_timestamp, sample_time_ms + 999);
    EXPECT_EQ(validated.max_timestamp_offset_delta, 999);
    EXPECT_TRUE(validated.header_max_timestamp_is_right);
  }
}

TEST(Validate, AChecksumThatWasComputedBeforeIsTheOneThatCounts) {
  const std::vector<std::byte> batch = sample_batch({}, 3);
  const std::uint32_t crc = base::crc32c(BatchView::frame(batch)->checksummed());
  Validator validator;
  EXPECT_TRUE(validator.validate(batch, lenient(), crc).accepted());
  EXPECT_EQ(validator.validate(batch, lenient(), crc ^ 1).verdict, Verdict::corrupt_message);
}

TEST(Validate, NoBatchIsInvalid) {
  EXPECT_EQ(validate({}).verdict, Verdict::invalid_record);
  EXPECT_EQ(validate(std::vector<std::byte>(10)).verdict, Verdict::invalid_record);
}

TEST(Validate, SeveralBatchesAreInvalid) {
  std::vector<std::byte> both = sample_batch();
  const std::vector<std::byte> second = sample_batch();
  both.insert(both.end(), second.begin(), second.end());
  EXPECT_EQ(validate(both).verdict, Verdict::invalid_record);
}

TEST(Validate, BytesAfterTheBatchAreInvalid) {
  std::vector<std::byte> batch = sample_batch();
  batch.push_back(std::byte{0});
  EXPECT_EQ(validate(batch).verdict, Verdict::invalid_record);
}

TEST(Validate, OlderMessageSetsAreInvalid) {
  EXPECT_EQ(validate(read_test_file("java-magic0.batch")).verdict, Verdict::invalid_record);
  EXPECT_EQ(validate(read_test_file("java-magic1.batch")).verdict, Verdict::invalid_record);
}

TEST(Validate, AMagicThatDoesNotExistIsCorrupt) {
  for (const int magic : {3, -1, 127}) {
    EXPECT_EQ(validate(with_field(sample_batch(), layout::magic, static_cast<std::int8_t>(magic))).verdict,
              Verdict::corrupt_message);
  }
}

TEST(Validate, AnImpossibleLengthIsCorrupt) {
  for (const std::int32_t length : {48, 0, -1, std::numeric_limits<std::int32_t>::min()}) {
    std::vector<std::byte> batch = sample_batch();
    base::store_big(batch.data() + layout::batch_length, length);
    EXPECT_EQ(validate(batch).verdict, Verdict::corrupt_message) << length;
  }
}

TEST(Validate, EveryTruncationIsInvalid) {
  for (const Codec codec : all_codecs) {
    const std::vector<std::byte> batch = sample_batch({.codec = codec});
    for (std::size_t size = 0; size < batch.size(); ++size) {
      EXPECT_EQ(validate(ByteSpan(batch).first(size)).verdict, Verdict::invalid_record) << size;
    }
  }
}

TEST(Validate, EveryTruncationOfThePayloadUnderARightChecksumIsRefused) {
  for (const Codec codec : all_codecs) {
    const std::vector<std::byte> batch = sample_batch({.codec = codec});
    for (std::size_t size = header_size; size < batch.size(); ++size) {
      std::vector<std::byte> cut(batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(size));
      seal(cut);
      EXPECT_EQ(validate(cut).verdict, Verdict::invalid_record) << to_string(codec) << size;
    }
  }
}

TEST(Validate, EveryFlippedBitUnderTheChecksumIsCorrupt) {
  std::vector<std::byte> batch = sample_batch();
  for (std::size_t bit = layout::checksummed_from * 8; bit < batch.size() * 8; ++bit) {
    const auto mask = static_cast<std::byte>(1U << (bit % 8));
    batch[bit / 8] ^= mask;
    EXPECT_EQ(validate(batch).verdict, Verdict::corrupt_message) << bit;
    batch[bit / 8] ^= mask;
  }
}

TEST(Validate, NoFlippedBitUnderARightChecksumCrashes) {
  int accepted = 0;
  Validator validator;
  for (const Codec codec : all_codecs) {
    std::vector<std::byte> batch = sample_batch({.codec = codec});
    for (std::size_t bit = header_size * 8; bit < batch.size() * 8; ++bit) {
      const auto mask = static_cast<std::byte>(1U << (bit % 8));
      batch[bit / 8] ^= mask;
      seal(batch);
      if (validator.validate(batch, lenient()).accepted()) ++accepted;
      batch[bit / 8] ^= mask;
    }
  }
  EXPECT_GT(accepted, 0) << "a flip inside a value is a different good record";
}

TEST(Validate, ABatchAboveTheTopicsLimitIsTooLarge) {
  const std::vector<std::byte> batch = sample_batch();
  Limits limits = lenient();
  limits.batch_bytes_max = batch.size();
  EXPECT_TRUE(validate(batch, limits).accepted());
  limits.batch_bytes_max = batch.size() - 1;
  EXPECT_EQ(validate(batch, limits).verdict, Verdict::message_too_large);
}

TEST(Validate, ABaseOffsetOtherThanZeroIsInvalid) {
  EXPECT_EQ(validate(sample_batch({.base_offset = 1})).verdict, Verdict::invalid_record);
}

TEST(Validate, ControlBatchesFromClientsAreInvalid) {
  EXPECT_EQ(validate(sample_batch({.control = true})).verdict, Verdict::invalid_record);
}

TEST(Validate, AProducerIdWithANegativeSequenceIsInvalid) {
  EXPECT_EQ(validate(sample_batch({.producer_id = 7, .producer_epoch = 0})).verdict, Verdict::invalid_record);
  EXPECT_TRUE(validate(sample_batch({.producer_id = 7, .producer_epoch = 0, .base_sequence = 0})).accepted());
}

TEST(Validate, ZstdBeforeProduce7IsUnsupported) {
  Limits limits = lenient();
  limits.zstd_allowed = false;
  EXPECT_EQ(validate(sample_batch({.codec = Codec::zstd}), limits).verdict, Verdict::unsupported_compression_type);
  EXPECT_TRUE(validate(sample_batch({.codec = Codec::lz4}), limits).accepted());
}

TEST(Validate, ACodecThatDoesNotExistIsUnsupported) {
  for (const std::int16_t codec : {5, 6, 7}) {
    EXPECT_EQ(validate(with_field(sample_batch(), layout::attributes, codec)).verdict,
              Verdict::unsupported_compression_type);
  }
}

TEST(Validate, ARecordCountThatDoesNotFitTheLastOffsetDeltaIsInvalid) {
  constexpr std::int32_t greatest = std::numeric_limits<std::int32_t>::max();
  for (const std::int32_t wrong : {0, -1, 1, 4, greatest, -greatest - 1}) {
    EXPECT_EQ(validate(with_field(sample_batch(), layout::record_count, wrong)).verdict, Verdict::invalid_record)
        << wrong;
    EXPECT_EQ(validate(with_field(sample_batch(), layout::last_offset_delta, wrong)).verdict, Verdict::invalid_record)
        << wrong;
  }
}

TEST(Validate, ARecordCountThatDoesNotFitTheRecordsIsInvalid) {
  for (const Codec codec : all_codecs) {
    for (const std::int32_t count : {1, 2, 4, 1'000'000, std::numeric_limits<std::int32_t>::max()}) {
      std::vector<std::byte> batch = with_field(sample_batch({.codec = codec}), layout::record_count, count);
      batch = with_field(batch, layout::last_offset_delta, count - 1);
      EXPECT_EQ(validate(batch).verdict, Verdict::invalid_record) << to_string(codec) << count;
    }
  }
}

TEST(Validate, OffsetDeltasThatDoNotRunFromZeroAreInvalid) {
  BatchBuilder builder;
  builder.add_at(0, {.timestamp = sample_time_ms});
  builder.add_at(2, {.timestamp = sample_time_ms});
  const Validated validated = validate(with_field<std::int32_t>(builder.finish(), layout::last_offset_delta, 1));
  EXPECT_EQ(validated.verdict, Verdict::invalid_record);
  ASSERT_EQ(validated.faults.size(), 1U);
  EXPECT_EQ(validated.faults[0].index, 1);
}

TEST(Validate, TheSmallestRecordIsAccepted) {
  EXPECT_TRUE(validate_record({0, 0, 0, 1, 1, 0}).accepted());
  EXPECT_EQ(raw_record({0, 0, 0, 1, 1, 0}).size(), record_size_min);
}

TEST(Validate, ARecordLengthThatItsPartsDoNotFillIsInvalid) {
  EXPECT_EQ(validate_record({0, 0, 0, 1, 1, 0}, 5).verdict, Verdict::invalid_record);
  EXPECT_EQ(validate_record({0, 0, 0, 1, 1, 0}, 7).verdict, Verdict::invalid_record);
  EXPECT_EQ(validate_record({0, 0, 0, 1, 1, 0, 0}, 6).verdict, Verdict::invalid_record) << "a byte is left over";
  EXPECT_EQ(validate_record({0, 0, 0, 1, 1, 0, 0}).verdict, Verdict::invalid_record) << "a byte inside the record";
}

TEST(Validate, ANegativeRecordLengthIsInvalid) {
  EXPECT_EQ(validate_record({0, 0, 0, 1, 1, 0}, -1).verdict, Verdict::invalid_record);
  EXPECT_EQ(validate_record({0, 0, 0, 1, 1, 0}, std::numeric_limits<int>::min()).verdict, Verdict::invalid_record);
}

TEST(Validate, KeysAndValuesBeyondTheRecordAreInvalid) {
  EXPECT_EQ(validate_record({0, 0, 0, 4, 1, 0}).verdict, Verdict::invalid_record);
  EXPECT_EQ(validate_record({0, 0, 0, 1, 4, 0}).verdict, Verdict::invalid_record);
  EXPECT_EQ(validate_record({0, 0, 0, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0}).verdict, Verdict::invalid_record) << "2 GiB";
}

TEST(Validate, AVarintThatDoesNotEndIsInvalid) {
  EXPECT_EQ(validate_record({0, 0, 0, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 1, 0}).verdict, Verdict::invalid_record);
}

TEST(Validate, HeadersAreCheckedToo) {
  EXPECT_TRUE(validate_record({0, 0, 0, 1, 1, 2, 2, 'k', 2, 'v'}).accepted());
  EXPECT_TRUE(validate_record({0, 0, 0, 1, 1, 2, 0, 1}).accepted()) << "an empty key, a null value";
  EXPECT_EQ(validate_record({0, 0, 0, 1, 1, 1}).verdict, Verdict::invalid_record) << "a count of -1";
  EXPECT_EQ(validate_record({0, 0, 0, 1, 1, 4, 0, 1}).verdict, Verdict::invalid_record) << "one header of two";
  EXPECT_EQ(validate_record({0, 0, 0, 1, 1, 2, 1, 1}).verdict, Verdict::invalid_record) << "a null key";
  EXPECT_EQ(validate_record({0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f}).verdict, Verdict::invalid_record)
      << "2^31-1 headers";
}

TEST(Validate, RecordsWithoutAKeyAreInvalidWhereKeysAreRequired) {
  BatchBuilder builder;
  builder.add({.timestamp = sample_time_ms, .key = base::as_bytes("k")});
  builder.add({.timestamp = sample_time_ms});
  builder.add({.timestamp = sample_time_ms, .key = base::as_bytes("")});
  builder.add({.timestamp = sample_time_ms});
  const std::vector<std::byte> batch = builder.finish();
  EXPECT_TRUE(validate(batch).accepted());
  Limits limits = lenient();
  limits.keys_required = true;
  const Validated validated = validate(batch, limits);
  EXPECT_EQ(validated.verdict, Verdict::invalid_record);
  ASSERT_EQ(validated.faults.size(), 2U);
  EXPECT_EQ(validated.faults[0].index, 1);
  EXPECT_EQ(validated.faults[1].index, 3);
  EXPECT_FALSE(validated.faults[1].message.empty());
  EXPECT_FALSE(validated.message.empty());
  EXPECT_FALSE(validated.batch);
}

TEST(Validate, FaultsBeyondTheLimitAreNotListed) {
  Limits limits = lenient();
  limits.timestamp_before_max_ms = limits.timestamp_after_max_ms = 0;
  limits.now_ms = 0;
  limits.record_faults_max = 10;
  const Validated validated = validate(sample_batch({}, 100), limits);
  EXPECT_EQ(validated.verdict, Verdict::invalid_timestamp);
  EXPECT_EQ(validated.faults.size(), 10U);
}

TEST(Validate, TimestampsOutsideTheRangeAreInvalid) {
  Limits limits = lenient();
  limits.timestamp_before_max_ms = 100;
  limits.timestamp_after_max_ms = 50;
  const auto verdict_at = [&](TimestampMs timestamp) {
    BatchBuilder builder;
    builder.add({.timestamp = timestamp});
    return validate(builder.finish(), limits).verdict;
  };
  EXPECT_EQ(verdict_at(sample_time_ms - 101), Verdict::invalid_timestamp);
  EXPECT_EQ(verdict_at(sample_time_ms - 100), Verdict::accepted);
  EXPECT_EQ(verdict_at(sample_time_ms + 50), Verdict::accepted);
  EXPECT_EQ(verdict_at(sample_time_ms + 51), Verdict::invalid_timestamp);
  EXPECT_EQ(verdict_at(no_timestamp), Verdict::accepted) << "no timestamp is not a wrong one";
  EXPECT_EQ(verdict_at(std::numeric_limits<TimestampMs>::max()), Verdict::invalid_timestamp);
  EXPECT_EQ(verdict_at(std::numeric_limits<TimestampMs>::min()), Verdict::invalid_timestamp);
  limits.timestamp_type = TimestampType::log_append_time;
  EXPECT_EQ(verdict_at(sample_time_ms + 51), Verdict::accepted) << "the broker's time replaces it";
}

TEST(Validate, ARangeWithoutBoundsTakesEveryTimestamp) {
  Limits limits = lenient();
  limits.timestamp_before_max_ms = limits.timestamp_after_max_ms = std::numeric_limits<std::int64_t>::max();
  for (const TimestampMs timestamp : {std::numeric_limits<TimestampMs>::min() + sample_time_ms + 1, TimestampMs{0},
                                      std::numeric_limits<TimestampMs>::max()}) {
    BatchBuilder builder;
    builder.add({.timestamp = timestamp});
    EXPECT_TRUE(validate(builder.finish(), limits).accepted()) << timestamp;
  }
}

TEST(Validate, AProducerMayNotSetTheAppendTime) {
  EXPECT_EQ(validate(sample_batch({.timestamp_type = TimestampType::log_append_time})).verdict,
            Verdict::invalid_timestamp);
}

TEST(Validate, AWrongMaxTimestampInTheHeaderIsTold) {
  const std::vector<std::byte> batch = with_field<std::int64_t>(sample_batch(), layout::max_timestamp, 5);
  const Validated validated = validate(batch);
  ASSERT_TRUE(validated.accepted());
  EXPECT_FALSE(validated.header_max_timestamp_is_right);
  EXPECT_EQ(validated.max_timestamp, sample_time_ms + 2);
}

TEST(Validate, WhatComesOutIsBoundedForEveryCodec) {
  Limits limits = lenient();
  limits.uncompressed_bytes_max = std::size_t{8} << 20;
  limits.batch_bytes_max = std::size_t{64} << 20;
  // One record whose value is 32 MiB of zeros.
  BatchBuilder builder;
  const std::vector<std::byte> zeros(std::size_t{32} << 20);
  for (const Codec codec : compressing_codecs) {
    builder.options().codec = codec;
    builder.add({.timestamp = sample_time_ms, .value = zeros});
    const std::vector<std::byte> batch = builder.finish();
    EXPECT_EQ(validate(batch, limits).verdict, Verdict::message_too_large) << to_string(codec);
    limits.uncompressed_bytes_max *= 8;
    EXPECT_TRUE(validate(batch, limits).accepted()) << to_string(codec);
    limits.uncompressed_bytes_max /= 8;
  }
}

TEST(Validate, BytesAfterTheLastCompressedRecordAreFoundWithoutDecompressingThemAll) {
  for (const Codec codec : compressing_codecs) {
    std::vector<std::byte> plain = raw_record({0, 0, 0, 1, 1, 0});
    plain.resize(std::size_t{64} << 20);
    Limits limits = lenient();
    limits.batch_bytes_max = std::size_t{64} << 20;
    limits.uncompressed_bytes_max = std::size_t{1} << 20;
    const std::vector<std::byte> batch = batch_around(compress(codec, std::nullopt, plain), 1, codec);
    EXPECT_EQ(validate(batch, limits).verdict, Verdict::invalid_record) << to_string(codec);
  }
}

TEST(Validate, GarbledCompressedRecordsAreInvalidAndNotToBeRetried) {
  for (const Codec codec : compressing_codecs) {
    const std::vector<std::byte> batch = batch_around(base::as_bytes("these are no compressed records"), 1, codec);
    EXPECT_EQ(validate(batch).verdict, Verdict::invalid_record) << to_string(codec);
    EXPECT_EQ(validate(batch_around({}, 1, codec)).verdict, Verdict::invalid_record) << to_string(codec);
  }
}

TEST(Validate, ARecordLargerThanTheWindowIsReadThroughIt) {
  BatchBuilder builder;
  const std::vector<std::byte> large(300'000, std::byte{7});
  const HeaderView headers[] = {{"h", large}};
  for (const Codec codec : all_codecs) {
    builder.options().codec = codec;
    for (int i = 0; i < 3; ++i)
      builder.add({.timestamp = sample_time_ms, .key = large, .value = large, .headers = headers});
    Limits limits = lenient();
    limits.batch_bytes_max = std::size_t{8} << 20;
    EXPECT_TRUE(validate(builder.finish(), limits).accepted()) << to_string(codec);
  }
}

}  // namespace
}  // namespace cms::records
