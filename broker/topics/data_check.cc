// SPDX-License-Identifier: Apache-2.0
#include "broker/topics/data_check.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "storage/partition_check.h"

namespace cms::broker {

namespace {

using base::Error;
using base::Result;
using storage::PartitionReport;

struct Checked {
  std::string topic;
  std::string topic_id;
  std::string partition;
  PartitionReport report;
};

// Entries that are no directories of ours give an error of their own when they are looked into.
Result<std::vector<std::string>> sorted(storage::Disk& disk, const std::string& directory) {
  Result<std::vector<std::string>> names = disk.list(directory);
  if (names) {
    std::sort(names->begin(), names->end(), [](const std::string& a, const std::string& b) {
      return std::pair(a.size(), std::string_view(a)) < std::pair(b.size(), std::string_view(b));
    });
  }
  return names;
}

Result<std::vector<Checked>> check_all(storage::Disk& disk, const std::string& root) {
  std::vector<Checked> checked;
  if (!disk.exists(root)) return checked;  // nothing was ever written to a persistent topic
  Result<std::vector<std::string>> topics = disk.list(root);
  if (!topics) return topics.error();
  std::sort(topics->begin(), topics->end());
  for (const std::string& topic : *topics) {
    const auto ids = sorted(disk, root + "/" + topic);
    if (!ids) return ids.error();
    for (const std::string& id : *ids) {
      const auto partitions = sorted(disk, root + "/" + topic + "/" + id);
      if (!partitions) return partitions.error();
      for (const std::string& partition : *partitions) {
        auto report = storage::check_partition(disk, root + "/" + topic + "/" + id + "/" + partition);
        if (!report) return report.error();
        checked.push_back({topic, id, partition, std::move(*report)});
      }
    }
  }
  return checked;
}

std::string state_of(const PartitionReport& report) {
  if (!report.problems.empty()) return "DAMAGED";
  return report.closed ? "closed" : "not closed";
}

std::string as_text(const std::vector<Checked>& checked) {
  constexpr std::size_t columns = 9;
  using Row = std::array<std::string, columns>;
  std::vector<Row> rows{{"TOPIC", "PARTITION", "SEGMENTS", "BATCHES", "RECORDS", "BYTES", "START", "END", "STATE"}};
  for (const Checked& each : checked) {
    const PartitionReport& r = each.report;
    rows.push_back({each.topic, each.partition, std::to_string(r.segments), std::to_string(r.batches),
                    std::to_string(r.records), std::to_string(r.bytes), std::to_string(r.first), std::to_string(r.end),
                    state_of(r)});
  }
  std::array<std::size_t, columns> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < columns; ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < columns; ++i) {
      const std::string padding(widths[i] - row[i].size(), ' ');
      const bool is_number = i > 0 && i + 1 < columns;
      text += is_number ? padding + row[i] : i == 0 ? row[i] + padding : row[i];
      text += i + 1 < columns ? "  " : "\n";
    }
  }
  std::size_t problems = 0;
  for (const Checked& each : checked) {
    const std::string where = each.topic + "-" + each.partition + ": ";
    for (const std::string& problem : each.report.problems) text += "problem: " + where + problem + "\n";
    for (const std::string& note : each.report.notes) text += "note: " + where + note + "\n";
    problems += each.report.problems.size();
  }
  return text + std::to_string(checked.size()) + " partition(s), " + std::to_string(problems) + " problem(s)\n";
}

std::string as_json(const std::vector<Checked>& checked) {
  nlohmann::ordered_json partitions = nlohmann::ordered_json::array();
  for (const Checked& each : checked) {
    const PartitionReport& r = each.report;
    partitions.push_back({{"topic", each.topic},
                          {"topic_id", each.topic_id},
                          {"partition", each.partition},
                          {"segments", r.segments},
                          {"batches", r.batches},
                          {"records", r.records},
                          {"bytes", r.bytes},
                          {"start", r.first},
                          {"end", r.end},
                          {"closed", r.closed},
                          {"problems", r.problems},
                          {"notes", r.notes}});
  }
  return nlohmann::ordered_json{{"partitions", partitions}}.dump(2, ' ', false,
                                                                 nlohmann::ordered_json::error_handler_t::replace) +
         "\n";
}

}  // namespace

Result<DataCheckResult> check_data(storage::Disk& disk, const DataCheck& wanted) {
  if (!disk.exists(wanted.directory)) return Error(base::ErrorKind::not_found, wanted.directory + " does not exist");
  const std::string lock_file = wanted.directory + "/lock";
  std::unique_ptr<storage::File> held;
  if (!wanted.despite_lock && disk.exists(lock_file)) {
    auto lock = disk.lock(lock_file);
    if (!lock) return lock.error().while_doing("a broker may be using it; to look all the same add --force-read");
    held = std::move(*lock);
  }
  const auto checked = check_all(disk, wanted.directory + "/topics");
  if (!checked) return checked.error();
  DataCheckResult result;
  result.sound = std::ranges::all_of(*checked, [](const Checked& each) { return each.report.problems.empty(); });
  result.text = wanted.json ? as_json(*checked) : as_text(*checked);
  return result;
}

}  // namespace cms::broker
