// SPDX-License-Identifier: Apache-2.0
#include "broker/topics/log_factory.h"

#include <algorithm>

namespace cms::broker {

storage::LogOptions log_options(const EffectiveTopicConfig& config, std::int64_t producer_expiration_ms) {
  storage::LogOptions options;
  options.segment_bytes = static_cast<std::uint64_t>(config.segment_bytes);
  options.segment_ms = config.segment_ms;
  options.compact = config.cleanup_compact;
  // What must not stay as it is for longer cannot stay in the last segment (KIP-354).
  if (config.cleanup_compact) options.segment_ms = std::min(options.segment_ms, config.max_compaction_lag_ms);
  options.index_interval_bytes = static_cast<std::uint32_t>(config.index_interval_bytes);
  options.preallocate = config.preallocate;
  if (config.cleanup_delete) options.retention = {config.retention_bytes, config.retention_ms};
  options.producer_expiration_ms = producer_expiration_ms;
  return options;
}

}  // namespace cms::broker
