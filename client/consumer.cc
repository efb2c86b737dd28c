// SPDX-License-Identifier: Apache-2.0
#include "client/consumer.h"

#include <utility>

#include "base/crc32c.h"
#include "client/admin.h"

namespace cms::client {

namespace {

using protocol::ErrorCode;
using protocol::FetchRequest;
using protocol::FetchResponse;
using records::BatchView;
using records::Offset;

}  // namespace

Consumer::Consumer(Cluster& cluster, std::string topic, ConsumerOptions options)
    : cluster_(cluster), topic_(std::move(topic)), options_(options) {}

void Consumer::assign(std::int32_t partition, Offset from) { positions_[partition] = from; }

Result<void> Consumer::add_to(std::map<Connection*, FetchRequest>& requests, std::int32_t partition, Offset offset) {
  const Result<Connection*> leader = cluster_.leader_of(topic_, partition);
  if (!leader) return leader.error();
  const Result<const TopicMetadata*> topic = cluster_.topic(topic_);
  if (!topic) return topic.error();
  FetchRequest& request = requests[*leader];
  if (request.topics.empty()) {
    request.max_wait_ms = options_.wait_ms_max;
    request.min_bytes = options_.bytes_min;
    request.max_bytes = options_.bytes_max;
    auto& asked = request.topics.emplace_back();
    asked.topic = topic_;
    asked.topic_id = (*topic)->topic_id;
  }
  auto& asked = request.topics.front().partitions.emplace_back();
  asked.partition = partition;
  asked.fetch_offset = offset;
  asked.partition_max_bytes = options_.partition_bytes_max;
  return {};
}

Result<void> Consumer::poll(const RecordVisitor& visit) {
  std::map<Connection*, FetchRequest> requests;
  for (const auto& [partition, offset] : positions_) {
    if (Result<void> added = add_to(requests, partition, offset); !added) return added;
  }
  std::vector<std::pair<Connection*, Pending<FetchRequest>>> sent;
  for (const auto& [leader, request] : requests) {
    const auto pending = leader->send(request);
    if (!pending) return pending.error();
    sent.emplace_back(leader, *pending);
  }
  bool more = true;
  for (const auto& [leader, pending] : sent) {
    const auto answer = leader->receive(pending);
    if (!answer) return answer.error();
    if (Result<void> taken = take(*answer, visit, more); !taken) return taken;
  }
  return {};
}

Result<void> Consumer::take(const FetchResponse& answer, const RecordVisitor& visit, bool& more) {
  if (answer.error_code != ErrorCode::none) return refusal(answer.error_code).while_doing("fetching");
  for (const auto& topic : answer.responses) {
    for (const auto& partition : topic.partitions) {
      if (partition.error_code != ErrorCode::none)
        return fetch_refused(partition.error_code, partition.partition_index);
      if (!positions_.contains(partition.partition_index) || !more) continue;
      if (Result<void> taken = take_records(partition.partition_index, partition.records.bytes(), visit, more); !taken)
        return taken.error().while_doing(topic_ + "-" + std::to_string(partition.partition_index));
    }
  }
  return {};
}

// A batch cut off at the end is not there yet; a whole one of another magic is something else than it should be.
Result<void> Consumer::take_records(std::int32_t partition, base::ByteSpan bytes, const RecordVisitor& visit,
                                    bool& more) {
  while (more && positions_.contains(partition)) {
    const auto batch = BatchView::frame(bytes);
    if (!batch) {
      const auto size = BatchView::declared_size(bytes);
      if (size && *size <= bytes.size()) return Error(ErrorKind::corrupt, "a batch is not of magic 2");
      return {};
    }
    if (base::crc32c(batch->checksummed()) != batch->crc())
      return Error(ErrorKind::corrupt,
                   "the batch at " + std::to_string(batch->base_offset()) + " has a wrong checksum");
    if (Result<void> taken = take_batch(partition, *batch, visit, more); !taken) return taken;
    bytes = bytes.subspan(batch->size());
  }
  return {};
}

Result<void> Consumer::take_batch(std::int32_t partition, const BatchView& batch, const RecordVisitor& visit,
                                  bool& more) {
  if (!batch.is_control()) {
    reader_.open(batch);
    while (const records::RecordView* record = reader_.next()) {
      if (record->offset < positions_[partition]) continue;
      more = visit(partition, *record);
      if (!positions_.contains(partition)) return {};  // the visitor has had enough of it
      positions_[partition] = record->offset + 1;
      if (!more) return {};
    }
    if (!reader_.status()) return reader_.status();
  }
  if (positions_[partition] < batch.next_offset()) positions_[partition] = batch.next_offset();
  return {};
}

Error Consumer::fetch_refused(ErrorCode code, std::int32_t partition) {
  const std::string name = topic_ + "-" + std::to_string(partition);
  if (code != ErrorCode::offset_out_of_range) return refusal(code).while_doing(name);
  const auto first = list_offsets(cluster_, topic_, {&partition, 1}, earliest_offset);
  const auto end = list_offsets(cluster_, topic_, {&partition, 1}, latest_offset);
  if (!first || !end) return refusal(code).while_doing(name);
  const std::string range =
      first->front().offset == end->front().offset
          ? "it is empty and goes on at " + std::to_string(end->front().offset)
          : "it has " + std::to_string(first->front().offset) + " to " + std::to_string(end->front().offset - 1);
  return refusal(code, name + " has no offset " + std::to_string(positions_[partition]) + ": " + range);
}

}  // namespace cms::client
