// SPDX-License-Identifier: Apache-2.0
#include "broker/topics/stored_logs.h"

#include "base/log.h"
#include "storage/memory_log.h"
#include "storage/segmented_log.h"

namespace cms::broker {

namespace {

using base::Result;

// A removed file's name is gone for good only with its directory's, which is synced by the file system in its own time:
// what comes back after a crash is found among the deleted topics again.
Result<void> remove_directory(storage::Disk& disk, storage::OpenFiles& files, const std::string& directory) {
  if (!disk.exists(directory)) return {};
  const auto names = disk.list(directory);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    files.forget(directory + "/" + name);
    if (auto removed = disk.remove(directory + "/" + name); !removed) return removed;
  }
  return disk.remove(directory);
}

}  // namespace

// <data>/topics/<topic>/<id>/<partition>: the id tells the topic from an earlier one of the same name, so that its
// records can never come back under the new one. The topic's name is at most 249 bytes, which is why the id has a level
// of its own.
static std::string topic_directory(const std::string& root, const std::string& topic) { return root + "/" + topic; }

Result<std::unique_ptr<storage::Log>> StoredLogs::open(const std::string& topic, const base::Uuid& topic_id,
                                                       std::int32_t partition, records::Offset first_offset,
                                                       const EffectiveTopicConfig& config,
                                                       std::int64_t producer_expiration_ms) {
  const storage::LogOptions options = log_options(config, producer_expiration_ms);
  if (config.durability != Durability::persistent) {
    const std::uint64_t tail =
        config.durability == Durability::transient ? storage::MemoryLog::transient_tail_bytes : 0;
    return std::unique_ptr<storage::Log>(
        std::make_unique<storage::MemoryLog>(arena_, options, storage::MemoryLog::Start{first_offset, tail}));
  }
  const std::string directory =
      topic_directory(settings_.directory, topic) + "/" + topic_id.to_string() + "/" + std::to_string(partition);
  storage::SegmentedLog::OpenOptions open_options;
  open_options.tail_bytes_max = settings_.tail_bytes_max;
  open_options.progress = [](const storage::RecoveryProgress& progress) {
    base::log_info("recovering", "log", progress.directory, "bytes", progress.bytes_done, "of", progress.bytes_total);
  };
  auto log = storage::SegmentedLog::open({files_, arena_, clock_}, directory, options, open_options);
  if (!log) return log.error();
  if ((*log)->put_aside_bytes() > 0) {
    base::log_warning("bytes behind the last whole batch were put aside", "log", directory, "bytes",
                      (*log)->put_aside_bytes(), "where", "*.corrupt-*");
  }
  return std::unique_ptr<storage::Log>(std::move(*log));
}

Result<void> StoredLogs::remove(const std::string& topic, const base::Uuid& topic_id, std::int32_t partition) {
  const std::string by_name = topic_directory(settings_.directory, topic);
  const std::string by_id = by_name + "/" + topic_id.to_string();
  if (auto removed = remove_directory(disk_, files_, by_id + "/" + std::to_string(partition)); !removed) return removed;
  // The last partition takes the levels above with it; until then they are not empty and stay.
  for (const std::string& level : {by_id, by_name}) {
    const auto names =
        disk_.exists(level) ? disk_.list(level) : Result<std::vector<std::string>>(std::vector<std::string>{});
    if (!names) return names.error();
    if (!names->empty() || !disk_.exists(level)) return {};
    if (auto removed = disk_.remove(level); !removed) return removed;
  }
  return {};
}

}  // namespace cms::broker
