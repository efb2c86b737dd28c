// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/append.h"

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
  metrics_.records.add(static_cast<std::uint64_t>(appended.record_count()));
  metrics_.bytes.add(appended.size());
  return outcome;
}

bool BatchAppender::validate(const EffectiveTopicConfig& config, base::ByteSpan bytes, bool zstd_allowed,
                             AppendOutcome& outcome) {
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
  validated_ = validator_.validate(bytes, limits);
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
  const bool recode = config.compression != CompressionType::producer && codec_of(config.compression) != batch.codec();
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
