// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/append.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/crc32c.h"
#include "records/rewrite.h"

namespace cms::broker {

namespace {

records::Codec codec_of(CompressionType type) {
  switch (type) {
    case CompressionType::gzip:
      return records::Codec::gzip;
    case CompressionType::snappy:
      return records::Codec::snappy;
    case CompressionType::lz4:
      return records::Codec::lz4;
    case CompressionType::zstd:
      return records::Codec::zstd;
    default:
      return records::Codec::none;
  }
}

std::optional<int> level_of(const EffectiveTopicConfig& config) {
  switch (config.compression) {
    case CompressionType::gzip:
      return config.gzip_level;
    case CompressionType::lz4:
      return config.lz4_level;
    case CompressionType::zstd:
      return config.zstd_level;
    default:
      return std::nullopt;
  }
}

// Whether the topic wants another codec than the batch has.
bool recodes(const EffectiveTopicConfig& config, records::Codec codec) {
  return config.compression != CompressionType::producer && codec_of(config.compression) != codec;
}

void refuse(AppendOutcome& outcome, ErrorCode error, std::string message = {}) {
  outcome.error = error;
  outcome.message = std::move(message);
}

}  // namespace

AppendOutcome BatchAppender::append(Core& core, const Topic& topic, std::int32_t index, base::ByteSpan batch,
                                    Asked asked) {
  AppendOutcome outcome;
  validated_.faults.clear();
  Partition* const partition = topic.partition(index);
  if (partition == nullptr) {
    refuse(outcome, ErrorCode::unknown_topic_or_partition);
    return outcome;
  }
  const EffectiveTopicConfig& config = *topic.config;
  if (!validate(config, batch, asked.zstd_allowed, outcome) || !rewrite(config, outcome)) return outcome;
  const records::BatchView appended = *validated_.batch;
  outcome = partition->append(core, appended, asked.wait_for_all);
  if (outcome.error != ErrorCode::none) return outcome;
  count(appended.record_count(), appended.size());
  return outcome;
}

void BatchAppender::count(std::int32_t records, std::size_t bytes) {
  metrics_.records.add(static_cast<std::uint64_t>(records));
  metrics_.bytes.add(bytes);
}

// The header is looked at once, so what was decided by it stays true.
class BatchAppender::FillInPlace final : public BatchFill {
 public:
  FillInPlace(BatchAppender& appender, const EffectiveTopicConfig& config, base::ByteSpan shared, bool zstd_allowed)
      : appender_(appender), config_(config), shared_(shared), zstd_allowed_(zstd_allowed) {
    std::memcpy(header_.data(), shared.data(), header_.size());
  }

  std::int32_t record_count() const { return base::load_big<std::int32_t>(&header_[records::layout::record_count]); }

  bool is_quick() const {
    namespace layout = records::layout;
    const auto attributes = base::load_big<std::int16_t>(&header_[layout::attributes]);
    const std::int32_t count = record_count();
    return (attributes & records::attribute_bits::codec_mask) == 0 && count > 0 && count <= records_in_place_max &&
           base::load_big<std::int32_t>(&header_[layout::last_offset_delta]) == count - 1 &&
           config_.timestamp_type != TimestampType::log_append_time && !recodes(config_, records::Codec::none);
  }

  std::optional<records::BatchView> fill(base::MutableByteSpan room, AppendOutcome& outcome) override {
    if (!appender_.validate(config_, room, zstd_allowed_, outcome, copy_to(room))) return std::nullopt;
    const records::Validated& validated = appender_.validated_;
    if (!validated.header_max_timestamp_is_right) {
      records::set_timestamps(room, records::TimestampType::create_time, validated.max_timestamp);
    }
    return validated.batch;
  }

 private:
  // Piece by piece, so that each is added to the checksum from the processor's nearest cache. Returns it.
  std::uint32_t copy_to(base::MutableByteSpan room) const {
    constexpr std::size_t piece_bytes = 8192;
    std::memcpy(room.data(), header_.data(), header_.size());
    std::uint32_t crc = base::crc32c(base::ByteSpan(header_).subspan(records::layout::checksummed_from));
    for (std::size_t at = header_.size(); at < room.size(); at += piece_bytes) {
      const base::MutableByteSpan piece = room.subspan(at, std::min(piece_bytes, room.size() - at));
      std::memcpy(piece.data(), shared_.data() + at, piece.size());
      crc = base::crc32c(piece, crc);
    }
    return crc;
  }

  BatchAppender& appender_;
  const EffectiveTopicConfig& config_;
  const base::ByteSpan shared_;
  const bool zstd_allowed_;
  std::array<std::byte, records::header_size> header_;
};

AppendOutcome BatchAppender::append_shared(Core& core, const Topic& topic, std::int32_t index, base::ByteSpan shared,
                                           Asked asked) {
  Partition* const partition = topic.partition(index);
  const EffectiveTopicConfig& config = *topic.config;
  if (partition != nullptr && shared.size() >= bytes_in_place_min &&
      shared.size() <= static_cast<std::size_t>(config.max_message_bytes)) {
    validated_.faults.clear();
    FillInPlace fill(*this, config, shared, asked.zstd_allowed);
    if (fill.is_quick()) {
      auto outcome = partition->append_in_place(core, shared.size(), fill.record_count(), fill, asked.wait_for_all);
      if (outcome && outcome->error == ErrorCode::none) count(fill.record_count(), shared.size());
      if (outcome) return std::move(*outcome);
    }
  }
  copied_.assign(shared.begin(), shared.end());
  AppendOutcome outcome = append(core, topic, index, copied_, asked);
  constexpr std::size_t kept_bytes_max = 1 << 20;
  if (copied_.capacity() > kept_bytes_max) std::vector<std::byte>().swap(copied_);
  return outcome;
}

bool BatchAppender::validate(const EffectiveTopicConfig& config, base::ByteSpan bytes, bool zstd_allowed,
                             AppendOutcome& outcome, std::optional<std::uint32_t> crc) {
  records::Limits limits;
  limits.batch_bytes_max = static_cast<std::size_t>(config.max_message_bytes);
  limits.zstd_allowed = zstd_allowed;
  limits.keys_required = config.cleanup_compact;
  limits.timestamp_type = config.timestamp_type == TimestampType::log_append_time
                              ? records::TimestampType::log_append_time
                              : records::TimestampType::create_time;
  limits.now_ms = clock_.now_ms();
  limits.timestamp_before_max_ms = config.timestamp_before_max_ms;
  limits.timestamp_after_max_ms = config.timestamp_after_max_ms;
  validated_ = validator_.validate(bytes, limits, crc);
  if (!validated_.accepted()) {
    refuse(outcome, static_cast<ErrorCode>(validated_.verdict), std::move(validated_.message));
    return false;
  }
  if (validated_.batch->is_transactional()) {
    refuse(outcome, ErrorCode::invalid_txn_state, "transactions are not served by this broker");
    return false;
  }
  return true;
}

// What the topic's configuration changes in a batch: its time, its codec. The result is in rewritten_.
bool BatchAppender::rewrite(const EffectiveTopicConfig& config, AppendOutcome& outcome) {
  const records::BatchView batch = *validated_.batch;
  const bool stamp = config.timestamp_type == TimestampType::log_append_time;
  const bool recode = recodes(config, batch.codec());
  if (!stamp && !recode && validated_.header_max_timestamp_is_right) return true;
  if (recode) {
    auto recompressed = records::recompress(batch, codec_of(config.compression), level_of(config));
    if (!recompressed) {
      const bool too_large = recompressed.error().kind() == base::ErrorKind::full;
      refuse(outcome, too_large ? ErrorCode::message_too_large : ErrorCode::invalid_record,
             recompressed.error().message());
      return false;
    }
    if (recompressed->size() > static_cast<std::size_t>(config.max_message_bytes)) {
      refuse(outcome, ErrorCode::message_too_large, "The batch is larger than max.message.bytes once recompressed.");
      return false;
    }
    rewritten_ = std::move(*recompressed);
  } else {
    rewritten_.assign(batch.bytes().begin(), batch.bytes().end());
  }
  if (stamp) {
    records::set_timestamps(rewritten_, records::TimestampType::log_append_time, clock_.now_ms());
  } else if (!validated_.header_max_timestamp_is_right) {
    records::set_timestamps(rewritten_, records::TimestampType::create_time, validated_.max_timestamp);
  }
  validated_.batch = records::BatchView::frame(rewritten_);
  CHECK(validated_.batch.has_value());
  return true;
}

}  // namespace cms::broker
