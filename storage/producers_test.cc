// SPDX-License-Identifier: Apache-2.0
#include "storage/producers.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "storage/test_batches.h"

namespace cms::storage {
namespace {

using records::Offset;
using records::Sequence;
using Refused = ProducerStates::Refused;

constexpr Sequence last_of_all = std::numeric_limits<Sequence>::max();

struct Sent {
  records::ProducerId id = 7;
  records::ProducerEpoch epoch = 0;
  Sequence first = 0;
  std::int32_t records = 1;
  std::int16_t attributes = 0;

  std::vector<std::byte> bytes() const {
    auto batch = test::make_batch(
        {.records = records, .timestamp_ms = 5000, .producer_id = id, .producer_epoch = epoch, .base_sequence = first});
    base::store_big(batch.data() + records::layout::attributes, attributes);
    return batch;
  }
};

class ProducerStatesTest : public testing::Test {
 protected:
  ProducerStates::Verdict check(const Sent& sent) const {
    const auto bytes = sent.bytes();
    return states_.check(test::view_of(bytes));
  }
  bool accepted(const Sent& sent) const { return std::holds_alternative<ProducerStates::Append>(check(sent)); }
  bool refused(const Sent& sent, Refused why) const {
    const auto verdict = check(sent);
    return std::holds_alternative<Refused>(verdict) && std::get<Refused>(verdict) == why;
  }
  // -1 when it is no duplicate.
  Offset duplicate_of(const Sent& sent) const {
    const auto verdict = check(sent);
    const auto* duplicate = std::get_if<ProducerStates::Duplicate>(&verdict);
    return duplicate == nullptr ? -1 : duplicate->base_offset;
  }
  void append(const Sent& sent, base::TimestampMs now_ms = 1000) {
    ASSERT_TRUE(accepted(sent)) << sent.first;
    const auto bytes = sent.bytes();
    states_.update(test::view_of(bytes), next_, now_ms);
    next_ += sent.records;
  }

  ProducerStates states_;
  Offset next_ = 100;
};

TEST_F(ProducerStatesTest, ABatchWithoutProducerIsNeverJudged) {
  for (int i = 0; i < 3; ++i) append({.id = -1, .epoch = -1, .first = -1});
  EXPECT_EQ(states_.size(), 0u);
}

// 51
TEST_F(ProducerStatesTest, EachOfTheLastFiveBatchesIsAnsweredWithItsFirstOffset) {
  for (Sequence i = 0; i < 6; ++i) append({.first = 10 * i, .records = 10});
  for (Sequence i = 1; i < 6; ++i) EXPECT_EQ(duplicate_of({.first = 10 * i, .records = 10}), 100 + 10 * i);
  EXPECT_TRUE(refused({.first = 0, .records = 10}, Refused::out_of_order_sequence)) << "older than the last five";
}

// 51
TEST_F(ProducerStatesTest, ADuplicateEqualsInEpochFirstAndLastSequence) {
  append({.first = 0, .records = 10});
  EXPECT_EQ(duplicate_of({.first = 0, .records = 10}), 100);
  EXPECT_TRUE(refused({.first = 0, .records = 9}, Refused::out_of_order_sequence));
  EXPECT_TRUE(refused({.first = 1, .records = 9}, Refused::out_of_order_sequence));
  EXPECT_TRUE(accepted({.epoch = 1, .first = 0, .records = 10})) << "another epoch is another batch";
}

// 51
TEST_F(ProducerStatesTest, ADuplicateIsAnsweredWithTheAppendTimeOfTheOriginal) {
  append({.first = 0, .attributes = records::attribute_bits::log_append_time});
  append({.first = 1});
  EXPECT_EQ(std::get<ProducerStates::Duplicate>(check({.first = 0})).append_time_ms, 5000);
  EXPECT_EQ(std::get<ProducerStates::Duplicate>(check({.first = 1})).append_time_ms, -1) << "CreateTime has none";
}

// 52
TEST_F(ProducerStatesTest, AGapIsOutOfOrder) {
  append({.first = 0, .records = 3});
  EXPECT_TRUE(refused({.first = 4}, Refused::out_of_order_sequence));
  EXPECT_TRUE(refused({.first = 2}, Refused::out_of_order_sequence));
  EXPECT_TRUE(accepted({.first = 3}));
}

// 52
TEST_F(ProducerStatesTest, SequencesGoOnWithZeroAfterTheLargest) {
  append({.first = last_of_all - 1, .records = 2});
  EXPECT_TRUE(accepted({.first = 0}));
  EXPECT_TRUE(refused({.first = 1}, Refused::out_of_order_sequence));
}

// 52
TEST_F(ProducerStatesTest, ABatchMayWrapInsideItself) {
  append({.first = last_of_all - 1, .records = 5});
  EXPECT_EQ(duplicate_of({.first = last_of_all - 1, .records = 5}), 100);
  EXPECT_TRUE(refused({.first = 2}, Refused::out_of_order_sequence));
  EXPECT_TRUE(accepted({.first = 3}));
}

// 53
TEST_F(ProducerStatesTest, ALowerEpochIsInvalid) {
  append({.epoch = 3, .first = 0});
  EXPECT_TRUE(refused({.epoch = 2, .first = 1}, Refused::invalid_producer_epoch));
  EXPECT_TRUE(refused({.epoch = 2, .first = 0}, Refused::invalid_producer_epoch));
}

// 53
TEST_F(ProducerStatesTest, AHigherEpochBeginsAtZero) {
  append({.epoch = 3, .first = 0});
  EXPECT_TRUE(refused({.epoch = 4, .first = 1}, Refused::out_of_order_sequence));
  append({.epoch = 4, .first = 0});
  EXPECT_TRUE(refused({.epoch = 3, .first = 0}, Refused::invalid_producer_epoch)) << "the old epoch's batches are gone";
  EXPECT_TRUE(accepted({.epoch = 4, .first = 1}));
}

// 54
TEST_F(ProducerStatesTest, AnUnknownProducerMayBeginAnywhere) {
  EXPECT_TRUE(accepted({.first = 4711}));
  append({.first = 4711}, 1000);
  states_.expire(1001);
  EXPECT_TRUE(accepted({.first = 12}));
}

// 55
TEST_F(ProducerStatesTest, TheStateSurvivesARestart) {
  for (Sequence i = 0; i < 7; ++i) append({.first = i});
  append({.id = 9, .epoch = 2, .first = 44, .attributes = records::attribute_bits::log_append_time});
  const auto saved = states_.save(108);
  states_.clear();
  EXPECT_TRUE(accepted({.first = 1000}));
  ASSERT_EQ(states_.load(saved).value(), 108);
  EXPECT_EQ(states_.save(108), saved);
  EXPECT_EQ(duplicate_of({.first = 2}), 102);
  EXPECT_TRUE(refused({.first = 1}, Refused::out_of_order_sequence));
  EXPECT_TRUE(accepted({.first = 7}));
  EXPECT_EQ(std::get<ProducerStates::Duplicate>(check({.id = 9, .epoch = 2, .first = 44})).append_time_ms, 5000);
}

// 55
TEST_F(ProducerStatesTest, ProducersWithoutAWriteAreForgottenAndOthersKept) {
  append({.id = 1, .first = 0}, 1000);
  append({.id = 2, .first = 0}, 1000);
  append({.id = 1, .first = 1}, 2000);
  states_.expire(2000);
  EXPECT_EQ(states_.size(), 1u);
  EXPECT_TRUE(refused({.id = 1, .first = 5}, Refused::out_of_order_sequence));
  EXPECT_TRUE(accepted({.id = 2, .first = 5}));
}

// 56
TEST_F(ProducerStatesTest, ABatchThatWasJudgedAndNotAppendedMayComeAgain) {
  append({.first = 0});
  const auto before = states_.save(0);
  EXPECT_TRUE(accepted({.first = 1}));
  EXPECT_EQ(states_.save(0), before);
  EXPECT_TRUE(accepted({.first = 1}));
}

TEST_F(ProducerStatesTest, AMarkerRaisesTheEpochAndHasNoSequence) {
  const auto marker =
      static_cast<std::int16_t>(records::attribute_bits::control | records::attribute_bits::transactional);
  append({.epoch = 0, .first = 0, .records = 4});
  append({.epoch = 0, .first = -1, .attributes = marker});
  EXPECT_TRUE(accepted({.epoch = 0, .first = 4}));
  append({.epoch = 1, .first = -1, .attributes = marker});
  EXPECT_TRUE(refused({.epoch = 0, .first = 4}, Refused::invalid_producer_epoch));
  EXPECT_TRUE(refused({.epoch = 1, .first = 4}, Refused::out_of_order_sequence));
  EXPECT_TRUE(accepted({.epoch = 1, .first = 0}));
  EXPECT_TRUE(refused({.epoch = 0, .first = -1, .attributes = marker}, Refused::invalid_producer_epoch));
}

TEST_F(ProducerStatesTest, ADamagedSnapshotIsCorruptAndChangesNothing) {
  for (Sequence i = 0; i < 5; ++i) append({.first = i});
  const auto saved = states_.save(105);
  for (std::size_t i = 0; i < saved.size(); ++i) {
    auto damaged = saved;
    damaged[i] ^= std::byte{0x10};
    EXPECT_EQ(states_.load(damaged).error().kind(), base::ErrorKind::corrupt) << i;
    EXPECT_FALSE(states_.load(base::ByteSpan(saved).first(i))) << i;
  }
  EXPECT_EQ(states_.save(105), saved);
}

}  // namespace
}  // namespace cms::storage
