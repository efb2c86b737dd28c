// SPDX-License-Identifier: Apache-2.0
#include "client/commands/topic_selection.h"

#include <algorithm>
#include <charconv>

namespace cms::client {

Result<TopicSelection> TopicSelection::parse(std::string_view text) {
  const Error wrong(ErrorKind::invalid,
                    "'" + std::string(text) + "' is not TOPIC or TOPIC:PARTITION[,PARTITION...], as orders:0,3");
  const std::size_t colon = text.find(':');
  TopicSelection selection;
  selection.topic = text.substr(0, colon);
  if (selection.topic.empty()) return wrong;
  if (colon == std::string_view::npos) return selection;
  const char* at = text.data() + colon + 1;
  const char* const end = text.data() + text.size();
  for (;;) {
    std::int32_t partition = 0;
    const auto [after, error] = std::from_chars(at, end, partition);
    if (error != std::errc{} || partition < 0) return wrong;
    selection.partitions.push_back(partition);
    if (after == end) return selection;
    if (*after != ',') return wrong;
    at = after + 1;
  }
}

Result<std::vector<TopicSelection>> parse_selections(const std::vector<std::string>& texts) {
  std::vector<TopicSelection> selections;
  for (const std::string& text : texts) {
    auto selection = TopicSelection::parse(text);
    if (!selection) return selection.error();
    selections.push_back(std::move(*selection));
  }
  return selections;
}

Result<std::set<TopicPartition>> resolve(Cluster& cluster, const std::vector<TopicSelection>& selections) {
  std::set<TopicPartition> partitions;
  for (const TopicSelection& selection : selections) {
    const auto topic = cluster.topic(selection.topic);
    if (!topic) return topic.error();
    for (const std::int32_t partition : selection.partitions) {
      if (const auto leader = cluster.leader_of(selection.topic, partition); !leader) return leader.error();
      partitions.insert({selection.topic, partition});
    }
    if (!selection.partitions.empty()) continue;
    for (const PartitionMetadata& one : (*topic)->partitions) partitions.insert({selection.topic, one.partition_index});
  }
  return partitions;
}

std::string shown(const std::vector<TopicPartition>& partitions) {
  std::string text;
  for (std::size_t first = 0; first < partitions.size();) {
    std::size_t last = first;
    while (last + 1 < partitions.size() && partitions[last + 1].topic == partitions[first].topic &&
           partitions[last + 1].partition == partitions[last].partition + 1)
      ++last;
    const bool same_topic = first > 0 && partitions[first - 1].topic == partitions[first].topic;
    text += same_topic ? "," : (first == 0 ? "" : " ") + partitions[first].topic + ":";
    text += std::to_string(partitions[first].partition);
    if (last > first) text += "-" + std::to_string(partitions[last].partition);
    first = last + 1;
  }
  return text.empty() ? "-" : text;
}

}  // namespace cms::client
