// SPDX-License-Identifier: Apache-2.0
#include "records/iterate.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "records/test_batches.h"
#include "records/validate.h"

namespace cms::records {
namespace {

using namespace testing;

// A record that owns what it holds, to compare with.
struct OwnedRecord {
  TimestampMs timestamp;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;

  bool operator==(const OwnedRecord&) const = default;
};

std::optional<std::string> owned(const std::optional<ByteSpan>& bytes) {
  return bytes ? std::optional(std::string(base::as_text(*bytes))) : std::nullopt;
}
std::optional<ByteSpan> view(const std::optional<std::string>& text) {
  return text ? std::optional(base::as_bytes(*text)) : std::nullopt;
}

OwnedRecord owned(const RecordView& record) {
  OwnedRecord result{record.timestamp, owned(record.key), owned(record.value), {}};
  for (const HeaderView& header : record.headers) result.headers.emplace_back(header.key, owned(header.value));
  return result;
}

std::vector<std::byte> build(BatchOptions options, const std::vector<OwnedRecord>& records) {
  BatchBuilder builder(options);
  for (const OwnedRecord& record : records) {
    std::vector<HeaderView> headers;
    for (const auto& [key, value] : record.headers) headers.push_back({key, view(value)});
    const std::size_t expected =
        builder.size() + builder.size_of({record.timestamp, view(record.key), view(record.value), headers});
    builder.add({record.timestamp, view(record.key), view(record.value), headers});
    EXPECT_EQ(builder.size(), expected);
  }
  return builder.finish();
}

rc::Gen<OwnedRecord> any_record() {
  const auto text = rc::gen::maybe(rc::gen::arbitrary<std::string>());
  const auto optional =
      rc::gen::map(text, [](const rc::Maybe<std::string>& t) { return t ? std::optional(*t) : std::nullopt; });
  const auto headers = rc::gen::container<std::vector<std::pair<std::string, std::optional<std::string>>>>(
      rc::gen::pair(rc::gen::arbitrary<std::string>(), optional));
  return rc::gen::build<OwnedRecord>(rc::gen::set(&OwnedRecord::timestamp, rc::gen::arbitrary<TimestampMs>()),
                                     rc::gen::set(&OwnedRecord::key, optional),
                                     rc::gen::set(&OwnedRecord::value, optional),
                                     rc::gen::set(&OwnedRecord::headers, headers));
}

RC_GTEST_PROP(Iterate, WhatIsBuiltIsValidAndComesOutAgain, ()) {
  const auto records = *rc::gen::nonEmpty(rc::gen::container<std::vector<OwnedRecord>>(any_record()));
  const auto base_offset = *rc::gen::inRange<Offset>(0, 1'000'000'000'000);
  RecordReader reader;
  Validator validator;
  for (const Codec codec : all_codecs) {
    std::vector<std::byte> bytes = build({.codec = codec}, records);
    Limits limits;
    limits.timestamp_type = TimestampType::log_append_time;
    const Validated validated = validator.validate(bytes, limits);
    RC_ASSERT(validated.accepted());
    set_base_offset(bytes, base_offset);
    reader.open(*BatchView::frame(bytes));
    for (std::size_t i = 0; i < records.size(); ++i) {
      const RecordView* record = reader.next();
      RC_ASSERT(record != nullptr);
      RC_ASSERT(record->offset == base_offset + static_cast<Offset>(i));
      RC_ASSERT(owned(*record) == records[i]);
    }
    RC_ASSERT(reader.next() == nullptr);
    RC_ASSERT(reader.status().ok());
  }
}

TEST(Iterate, NullAndEmptyAreDifferent) {
  const std::vector<OwnedRecord> records = {{1, std::nullopt, "", {{"h", std::nullopt}, {"", ""}}},
                                            {2, "", std::nullopt, {}}};
  for (const Codec codec : all_codecs) {
    const std::vector<std::byte> bytes = build({.codec = codec}, records);
    RecordReader reader(*BatchView::frame(bytes));
    EXPECT_EQ(owned(*reader.next()), records[0]);
    EXPECT_EQ(owned(*reader.next()), records[1]);
  }
}

TEST(Iterate, RecordsLargerThanTheBufferComeOutWhole) {
  const std::vector<OwnedRecord> records = {{1, std::string(100'000, 'k'), std::string(3'000'000, 'v'), {}},
                                            {2, "k", "v", {}}};
  for (const Codec codec : all_codecs) {
    const std::vector<std::byte> bytes = build({.codec = codec}, records);
    RecordReader reader(*BatchView::frame(bytes));
    for (const OwnedRecord& record : records) {
      const RecordView* next = reader.next();
      ASSERT_NE(next, nullptr) << reader.status().error().message();
      EXPECT_EQ(owned(*next), record);
    }
    EXPECT_EQ(reader.next(), nullptr);
    EXPECT_TRUE(reader.status());
  }
}

TEST(Iterate, AppendTimeIsEveryRecordsTimestamp) {
  BatchBuilder builder({.timestamp_type = TimestampType::log_append_time});
  builder.add({.timestamp = 5});
  builder.add({.timestamp = 9});
  const std::vector<std::byte> bytes = builder.finish();
  RecordReader reader(*BatchView::frame(bytes));
  EXPECT_EQ(reader.next()->timestamp, 9);
  EXPECT_EQ(reader.next()->timestamp, 9);
}

TEST(Iterate, GapsThatCompactionLeftAreKept) {
  BatchBuilder builder({.base_offset = 100});
  builder.add_at(3, {.timestamp = 5});
  builder.add_at(7, {.timestamp = 6});
  const std::vector<std::byte> bytes = builder.finish(20);
  const BatchView batch = *BatchView::frame(bytes);
  EXPECT_EQ(batch.last_offset(), 120);
  EXPECT_EQ(batch.record_count(), 2);
  RecordReader reader(batch);
  EXPECT_EQ(reader.next()->offset, 103);
  EXPECT_EQ(reader.next()->offset, 107);
  EXPECT_EQ(reader.next(), nullptr);
}

TEST(Iterate, EveryTruncationOfThePayloadEndsInAnError) {
  for (const Codec codec : all_codecs) {
    const std::vector<std::byte> whole = sample_batch({.codec = codec});
    RecordReader reader;
    for (std::size_t size = header_size; size < whole.size(); ++size) {
      std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      seal(cut);
      reader.open(*BatchView::frame(cut));
      int count = 0;
      while (reader.next() != nullptr) ++count;
      // A compressed stream may have given all its records before its checksum is missed.
      EXPECT_TRUE(!reader.status() || (codec != Codec::none && count == 3)) << to_string(codec) << size;
    }
  }
}

TEST(Iterate, WhatComesOutIsBounded) {
  for (const Codec codec : compressing_codecs) {
    BatchBuilder builder({.codec = codec});
    const std::vector<std::byte> zeros(std::size_t{4} << 20);
    builder.add({.timestamp = 1, .value = zeros});
    const std::vector<std::byte> bytes = builder.finish();
    RecordReader reader(std::size_t{1} << 20);
    reader.open(*BatchView::frame(bytes));
    EXPECT_EQ(reader.next(), nullptr);
    EXPECT_EQ(reader.status().error().kind(), base::ErrorKind::full) << to_string(codec);
  }
}

TEST(Iterate, ACountBeyondTheRecordsIsAnErrorNotALoop) {
  for (const Codec codec : all_codecs) {
    const std::vector<std::byte> bytes =
        with_field(sample_batch({.codec = codec}), layout::record_count, std::numeric_limits<std::int32_t>::max());
    RecordReader reader(*BatchView::frame(bytes));
    int count = 0;
    while (reader.next() != nullptr) ++count;
    EXPECT_EQ(count, 3);
    EXPECT_FALSE(reader.status());
  }
}

TEST(Iterate, AnUnknownCodecIsAnError) {
  const std::vector<std::byte> bytes = with_field<std::int16_t>(sample_batch(), layout::attributes, 6);
  RecordReader reader(*BatchView::frame(bytes));
  EXPECT_EQ(reader.next(), nullptr);
  EXPECT_EQ(reader.status().error().kind(), base::ErrorKind::unsupported);
}

}  // namespace
}  // namespace cms::records
