// SPDX-License-Identifier: Apache-2.0
// The logs of a running broker: segments under the data directory for persistent topics, memory for the others.
#pragma once

#include <string>

#include "broker/topics/log_factory.h"
#include "storage/arena.h"
#include "storage/open_files.h"

namespace cms::broker {

class StoredLogs final : public LogFactory {
 public:
  struct Settings {
    std::string directory;  // one directory in it for each partition that has records
    std::uint64_t tail_bytes_max = 0;
  };

  // Disk, arena, files and clock outlive the logs.
  StoredLogs(storage::Disk& disk, storage::Arena& arena, storage::OpenFiles& files, const base::Clock& clock,
             Settings settings)
      : disk_(disk), arena_(arena), files_(files), clock_(clock), settings_(std::move(settings)) {}

  base::Result<std::unique_ptr<storage::Log>> open(const std::string& topic, const base::Uuid& topic_id,
                                                   std::int32_t partition, records::Offset first_offset,
                                                   const EffectiveTopicConfig& config,
                                                   std::int64_t producer_expiration_ms) override;
  base::Result<void> remove(const std::string& topic, const base::Uuid& topic_id, std::int32_t partition) override;

 private:
  storage::Disk& disk_;
  storage::Arena& arena_;
  storage::OpenFiles& files_;
  const base::Clock& clock_;
  const Settings settings_;
};

}  // namespace cms::broker
