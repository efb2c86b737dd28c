// SPDX-License-Identifier: Apache-2.0
#include "broker/config/topic_config_table.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace cms::broker {

namespace {

using Config = EffectiveTopicConfig;

constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::string_view no_limit_text = "9223372036854775807";

constexpr std::string_view cleanup_policies[] = {"compact", "delete"};
constexpr std::string_view compression_types[] = {"uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"};
constexpr std::string_view timestamp_types[] = {"CreateTime", "LogAppendTime"};
constexpr std::string_view durabilities[] = {"persistent", "volatile", "transient"};

constexpr BrokerSynonym cleanup_policy_options[] = {{"log.cleanup.policy"}};
constexpr BrokerSynonym durability_options[] = {{"cms.durability"}};
constexpr BrokerSynonym gzip_level_options[] = {{"compression.gzip.level"}};
constexpr BrokerSynonym lz4_level_options[] = {{"compression.lz4.level"}};
constexpr BrokerSynonym compression_options[] = {{"compression.type"}};
constexpr BrokerSynonym zstd_level_options[] = {{"compression.zstd.level"}};
constexpr BrokerSynonym delete_retention_options[] = {{"log.cleaner.delete.retention.ms"}};
constexpr BrokerSynonym file_delete_delay_options[] = {{"log.segment.delete.delay.ms"}};
constexpr BrokerSynonym flush_messages_options[] = {{"log.flush.interval.messages"}};
constexpr BrokerSynonym flush_ms_options[] = {{"log.flush.interval.ms"}, {"log.flush.scheduler.interval.ms"}};
constexpr BrokerSynonym index_interval_options[] = {{"log.index.interval.bytes"}};
constexpr BrokerSynonym local_retention_bytes_options[] = {{"log.local.retention.bytes"}};
constexpr BrokerSynonym local_retention_ms_options[] = {{"log.local.retention.ms"}};
constexpr BrokerSynonym max_compaction_lag_options[] = {{"log.cleaner.max.compaction.lag.ms"}};
constexpr BrokerSynonym max_message_options[] = {{"message.max.bytes"}};
constexpr BrokerSynonym timestamp_after_options[] = {{"log.message.timestamp.after.max.ms"}};
constexpr BrokerSynonym timestamp_before_options[] = {{"log.message.timestamp.before.max.ms"}};
constexpr BrokerSynonym timestamp_type_options[] = {{"log.message.timestamp.type"}};
constexpr BrokerSynonym dirty_ratio_options[] = {{"log.cleaner.min.cleanable.ratio"}};
constexpr BrokerSynonym min_compaction_lag_options[] = {{"log.cleaner.min.compaction.lag.ms"}};
constexpr BrokerSynonym min_insync_options[] = {{"min.insync.replicas"}};
constexpr BrokerSynonym preallocate_options[] = {{"log.preallocate"}};
constexpr BrokerSynonym retention_bytes_options[] = {{"log.retention.bytes"}};
constexpr BrokerSynonym retention_ms_options[] = {
    {"log.retention.ms"}, {"log.retention.minutes", minute_ms}, {"log.retention.hours", hour_ms}};
constexpr BrokerSynonym segment_bytes_options[] = {{"log.segment.bytes"}};
constexpr BrokerSynonym segment_index_options[] = {{"log.index.size.max.bytes"}};
constexpr BrokerSynonym segment_jitter_options[] = {{"log.roll.jitter.ms"}, {"log.roll.jitter.hours", hour_ms}};
constexpr BrokerSynonym segment_ms_options[] = {{"log.roll.ms"}, {"log.roll.hours", hour_ms}};
constexpr BrokerSynonym unclean_election_options[] = {{"unclean.leader.election.enable"}};

constexpr ValueRule boolean_rule{.type = ConfigType::boolean};
constexpr ValueRule replicas_rule{.type = ConfigType::list, .replica_list = true};

constexpr ValueRule int_from(double least) { return {.type = ConfigType::integer, .least = least}; }
constexpr ValueRule long_from(double least) { return {.type = ConfigType::long_integer, .least = least}; }
constexpr ValueRule word_of(std::span<const std::string_view> words) {
  return {.type = ConfigType::string, .one_of = words};
}

void set_cleanup_policy(Config& config, std::string_view text) {
  const std::vector<std::string> policies = split_list(text);
  config.cleanup_compact = std::ranges::find(policies, "compact") != policies.end();
  config.cleanup_delete = std::ranges::find(policies, "delete") != policies.end();
}

void set_durability(Config& config, std::string_view text) {
  config.durability = parse_durability(text).value_or(Durability::persistent);
}

void set_compression(Config& config, std::string_view text) {
  for (const auto type : {CompressionType::producer, CompressionType::uncompressed, CompressionType::gzip,
                          CompressionType::snappy, CompressionType::lz4, CompressionType::zstd}) {
    if (to_string(type) == text) config.compression = type;
  }
}

void set_timestamp_type(Config& config, std::string_view text) {
  config.timestamp_type = text == "LogAppendTime" ? TimestampType::log_append_time : TimestampType::create_time;
}

using Set = TopicConfigSpec::Set;

const TopicConfigSpec table[] = {
    {"cleanup.policy",
     cleanup_policy_options,
     {.type = ConfigType::list, .one_of = cleanup_policies},
     "delete",
     Set{set_cleanup_policy},
     "How old records leave: 'delete' by age and size, 'compact' all but the last of each key, or both. Empty: never."},
    {durability_config, durability_options, word_of(durabilities), "persistent", Set{set_durability},
     "What an acknowledgement is worth: 'persistent' (on the disk of every replica), 'volatile' (in the memory of "
     "every replica) or 'transient' (handed to whoever waits; only a short tail stays, in memory). Fixed when the "
     "topic "
     "is created."},
    {"compression.gzip.level",
     gzip_level_options,
     {.type = ConfigType::integer, .least = 1, .most = 9, .also = -1},
     "-1",
     &Config::gzip_level,
     "Level used when compression.type is gzip; -1 is the codec's own default."},
    {"compression.lz4.level",
     lz4_level_options,
     {.type = ConfigType::integer, .least = 1, .most = 17},
     "9",
     &Config::lz4_level,
     "Level used when compression.type is lz4."},
    {"compression.type", compression_options, word_of(compression_types), "producer", Set{set_compression},
     "Codec of stored batches. 'producer' keeps what the producer chose; any other has differing batches "
     "recompressed."},
    {"compression.zstd.level",
     zstd_level_options,
     {.type = ConfigType::integer, .least = -131'072, .most = 22},
     "3",
     &Config::zstd_level,
     "Level used when compression.type is zstd."},
    {"delete.retention.ms", delete_retention_options, long_from(0), "86400000", &Config::delete_retention_ms,
     "How long, in milliseconds, compaction leaves a tombstone readable."},
    {"file.delete.delay.ms", file_delete_delay_options, long_from(0), "60000", &Config::file_delete_delay_ms,
     "How long, in milliseconds, a removed segment's file stays before it is deleted."},
    {"flush.messages", flush_messages_options, long_from(1), "1", &Config::flush_messages,
     "A persistent partition is synced after this many records. 1, the default here, syncs before every "
     "acknowledgement; "
     "more relaxes the promise: up to so many acknowledged records can be lost with the machine."},
    {"flush.ms", flush_ms_options, long_from(0), no_limit_text, &Config::flush_ms,
     "A persistent partition is synced at the latest so many milliseconds after an append. Matters when flush.messages "
     "is "
     "above 1."},
    {"follower.replication.throttled.replicas",
     {},
     replicas_rule,
     "",
     {},
     "Replicas whose catching up is throttled as followers. Accepted and shown, without effect."},
    {"index.interval.bytes", index_interval_options, int_from(0), "4096", &Config::index_interval_bytes,
     "An offset index entry is written for about so many bytes of records."},
    {"leader.replication.throttled.replicas",
     {},
     replicas_rule,
     "",
     {},
     "Replicas whose catching up is throttled at their leader. Accepted and shown, without effect."},
    {"local.retention.bytes",
     local_retention_bytes_options,
     long_from(-2),
     "-2",
     {},
     "Tiered storage's local size limit. Accepted and shown, without effect."},
    {"local.retention.ms",
     local_retention_ms_options,
     long_from(-2),
     "-2",
     {},
     "Tiered storage's local time limit. Accepted and shown, without effect."},
    {"max.compaction.lag.ms", max_compaction_lag_options, long_from(1), no_limit_text, &Config::max_compaction_lag_ms,
     "At the latest after so many milliseconds a record takes part in compaction."},
    {"max.message.bytes", max_message_options, int_from(0), "1048588", &Config::max_message_bytes,
     "The largest record batch, in bytes as stored, that is accepted."},
    {"message.timestamp.after.max.ms", timestamp_after_options, long_from(0), "3600000",
     &Config::timestamp_after_max_ms, "How far, in milliseconds, a record's CreateTime may lie in the future."},
    {"message.timestamp.before.max.ms", timestamp_before_options, long_from(0), no_limit_text,
     &Config::timestamp_before_max_ms, "How far, in milliseconds, a record's CreateTime may lie in the past."},
    {"message.timestamp.type", timestamp_type_options, word_of(timestamp_types), "CreateTime", Set{set_timestamp_type},
     "Whether a record keeps its producer's time or gets the broker's when it is appended."},
    {"min.cleanable.dirty.ratio",
     dirty_ratio_options,
     {.type = ConfigType::real, .least = 0, .most = 1},
     "0.5",
     &Config::min_cleanable_dirty_ratio,
     "The share of a log that must be new before compaction cleans it."},
    {"min.compaction.lag.ms", min_compaction_lag_options, long_from(0), "0", &Config::min_compaction_lag_ms,
     "For at least so many milliseconds a record is left alone by compaction."},
    {"min.insync.replicas", min_insync_options, int_from(1), "1", &Config::min_insync_replicas,
     "Producers with acks=all are refused while fewer replicas than this are in the partition's view."},
    {"preallocate", preallocate_options, boolean_rule, "false", &Config::preallocate,
     "Whether a new segment's file gets its full size at once."},
    {"remote.log.copy.disable",
     {},
     boolean_rule,
     "false",
     {},
     "Stops tiered storage from copying. Accepted and shown, without effect."},
    {"remote.log.delete.on.disable",
     {},
     boolean_rule,
     "false",
     {},
     "What tiered storage keeps once switched off. Accepted and shown, without effect."},
    {"remote.storage.enable",
     {},
     boolean_rule,
     "false",
     {},
     "Tiered storage; not available, only 'false' is accepted."},
    {"retention.bytes",
     retention_bytes_options,
     {.type = ConfigType::long_integer},
     "-1",
     &Config::retention_bytes,
     "A partition larger than this loses its oldest segments; negative: no limit."},
    {"retention.ms", retention_ms_options, long_from(-1), "168", &Config::retention_ms,
     "Segments whose records are all older than so many milliseconds are removed; -1: no limit."},
    {"segment.bytes", segment_bytes_options, int_from(1'048'576), "1073741824", &Config::segment_bytes,
     "A segment's file grows no larger than this before the next one is begun."},
    {"segment.index.bytes", segment_index_options, int_from(4), "10485760", &Config::segment_index_bytes,
     "The largest offset index of a segment."},
    {"segment.jitter.ms", segment_jitter_options, long_from(0), "0", &Config::segment_jitter_ms,
     "Up to so many milliseconds, at random, are taken off segment.ms, so that segments do not all roll at once."},
    {"segment.ms", segment_ms_options, long_from(1), "168", &Config::segment_ms,
     "After so many milliseconds a segment is closed even if it is not full, so that retention can take it."},
    {"unclean.leader.election.enable", unclean_election_options, boolean_rule, "false",
     &Config::unclean_leader_election,
     "Whether a replica outside the view may lead when no other is left, at the price of lost records."},
};

}  // namespace

std::span<const TopicConfigSpec> topic_config_table() { return table; }

const TopicConfigSpec* find_topic_config(std::string_view name) {
  const auto found = std::ranges::lower_bound(table, name, {}, &TopicConfigSpec::name);
  return found != std::end(table) && found->name == name ? found : nullptr;
}

void set_topic_config_member(EffectiveTopicConfig& config, const TopicConfigSpec& spec, std::string_view text) {
  if (const auto* set = std::get_if<Set>(&spec.member)) (*set)(config, trimmed(text));
  if (const auto* flag = std::get_if<bool Config::*>(&spec.member))
    config.** flag = parse_boolean(text).value_or(false);
  if (const auto* number = std::get_if<std::int32_t Config::*>(&spec.member)) {
    if (const auto value = parse_int(text)) config.** number = *value;
  }
  if (const auto* number = std::get_if<std::int64_t Config::*>(&spec.member)) {
    if (const auto value = parse_long(text)) config.** number = *value;
  }
  if (const auto* number = std::get_if<double Config::*>(&spec.member)) {
    if (const auto value = parse_real(text)) config.** number = *value;
  }
}

std::string scaled(const BrokerSynonym& synonym, std::string_view text) {
  if (synonym.scale == 1) return std::string(text);
  const std::optional<std::int64_t> value = parse_long(text);
  CHECK(value);  // values in the layers have passed their rule
  if (*value < 0) return "-1";
  if (*value > Config::no_limit / synonym.scale) return std::string(no_limit_text);
  return std::to_string(*value * synonym.scale);
}

std::string default_of(const TopicConfigSpec& spec) {
  if (spec.synonyms.empty()) return std::string(spec.default_text);
  return scaled(spec.synonyms.back(), spec.default_text);
}

}  // namespace cms::broker
