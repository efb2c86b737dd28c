// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/log_dirs.h"

#include <algorithm>
#include <limits>
#include <string>

namespace cms::broker {

namespace {

using protocol::DescribeLogDirsRequest;
using protocol::DescribeLogDirsResponse;

std::int64_t as_signed(std::uint64_t bytes) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(bytes, std::numeric_limits<std::int64_t>::max()));
}

class Sizes {
 public:
  void add_all(const Topic& topic) {
    for (const auto& partition : topic.partitions) add(*partition);
  }

  void add(const Partition& partition) {
    if (partition.is_offline()) return;  // as Kafka: a log that is not open has no size
    const bool in_memory = partition.identity().durability != Durability::persistent;
    auto& topics = in_memory ? memory : disk;
    if (topics.empty() || topics.back().name != partition.identity().topic) {
      topics.push_back({.name = partition.identity().topic, .partitions = {}});
    }
    auto& shown = topics.back().partitions.emplace_back();
    shown.partition_index = partition.identity().index;
    shown.partition_size = as_signed(partition.positions().size_bytes);
  }

  std::vector<DescribeLogDirsResponse::Topic> disk;
  std::vector<DescribeLogDirsResponse::Topic> memory;
};

}  // namespace

void describe_log_dirs(const Topics& topics, storage::Disk& disk, const Options& options, const RequestContext&,
                       const DescribeLogDirsRequest& request, DescribeLogDirsResponse& response) {
  Sizes sizes;
  const std::vector<TopicHandle> all = topics.all();
  std::uint64_t memory_bytes = 0;
  for (const TopicHandle& topic : all) {
    if (!request.topics) sizes.add_all(*topic);
    if (topic->record->durability == Durability::persistent) continue;
    for (const auto& partition : topic->partitions) memory_bytes += partition->positions().size_bytes;
  }
  if (request.topics) {
    for (const auto& wanted : *request.topics) {
      const TopicHandle topic = topics.find(wanted.topic);
      if (topic == nullptr) continue;  // left out, as are partitions that do not exist
      for (const std::int32_t index : wanted.partitions) {
        if (const Partition* const partition = topic->partition(index)) sizes.add(*partition);
      }
    }
  }
  auto& files = response.results.emplace_back();
  files.log_dir = options.data_directory;
  files.topics = std::move(sizes.disk);
  if (const auto space = disk.space(options.data_directory)) {
    files.total_bytes = as_signed(space->total_bytes);
    files.usable_bytes = as_signed(space->free_bytes);
  } else {
    files.error_code = ErrorCode::kafka_storage_error;
  }
  if (sizes.memory.empty()) return;
  auto& memory = response.results.emplace_back();
  memory.log_dir = memory_directory;
  memory.topics = std::move(sizes.memory);
  memory.total_bytes = options.log_memory_bytes;
  memory.usable_bytes = std::max<std::int64_t>(0, options.log_memory_bytes - as_signed(memory_bytes));
}

}  // namespace cms::broker
