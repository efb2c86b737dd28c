// SPDX-License-Identifier: Apache-2.0
// Which log a partition gets for its durability, and where it lies.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/uuid.h"
#include "broker/config/topic_config.h"
#include "storage/disk.h"
#include "storage/log.h"

namespace cms::broker {

storage::LogOptions log_options(const EffectiveTopicConfig& config, std::int64_t producer_expiration_ms);

class LogFactory {
 public:
  virtual ~LogFactory() = default;

  // `first_offset`: where a log in memory begins. `topic_id` tells a partition's files from those of an earlier topic
  // of the same name. `producer_expiration_ms`: producer.id.expiration.ms as it is in force. May block for recovery.
  virtual base::Result<std::unique_ptr<storage::Log>> open(const std::string& topic, const base::Uuid& topic_id,
                                                           std::int32_t partition, records::Offset first_offset,
                                                           const EffectiveTopicConfig& config,
                                                           std::int64_t producer_expiration_ms) = 0;

  // Removes the files of a deleted topic's partition; no error when there are none.
  virtual base::Result<void> remove(const std::string& topic, const base::Uuid& topic_id, std::int32_t partition) = 0;
};

}  // namespace cms::broker
