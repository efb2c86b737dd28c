// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/offsets.h"

#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "broker/handlers/listed.h"
#include "records/iterate.h"
#include "records/lookup.h"

namespace cms::broker {

namespace {

using protocol::ListOffsetsRequest;
using protocol::ListOffsetsResponse;
using protocol::OffsetForLeaderEpochRequest;
using protocol::OffsetForLeaderEpochResponse;

// Timestamps that ask for something else than a time.
constexpr std::int64_t latest = -1;
constexpr std::int64_t earliest = -2;
constexpr std::int64_t max_timestamp = -3;     // KIP-734
constexpr std::int64_t earliest_local = -4;    // KIP-405; without tiered storage all is local
constexpr std::int64_t latest_tiered = -5;     // KIP-1005
constexpr std::int64_t earliest_pending = -6;  // KIP-1023, of upload to tiered storage

// The first version in which `timestamp` may be asked for.
protocol::Version asked_since(std::int64_t timestamp) {
  if (timestamp >= 0) return 0;
  switch (timestamp) {
    case latest:
    case earliest:
      return 0;
    case max_timestamp:
      return 7;
    case earliest_local:
      return 8;
    case latest_tiered:
      return 9;
    case earliest_pending:
      return 11;
    default:
      return std::numeric_limits<protocol::Version>::max();
  }
}

Partition* find(const TopicHandle& topic, std::int32_t index) {
  Partition* const partition = topic == nullptr ? nullptr : topic->partition(index);
  const bool removed = partition != nullptr && partition->state() == ErrorCode::unknown_topic_or_partition;
  return removed ? nullptr : partition;
}

using Batch = base::Result<std::optional<base::Bytes>>;

// The record of `batch` that was looked for; none leaves the answer as it is. Returns where to look on: behind a batch
// that DeleteRecords has cut, when what it still holds is not it.
std::optional<Offset> answer_from(const Batch& batch, std::int64_t timestamp, const Positions& positions,
                                  records::RecordReader& reader, ListOffsetsResponse::Partition& answer) {
  if (!batch) {
    answer.error_code = ErrorCode::kafka_storage_error;
    return std::nullopt;
  }
  if (!*batch) return std::nullopt;
  const auto view = records::BatchView::frame((*batch)->span());
  CHECK(view);  // the log gives out whole batches
  const records::OffsetRange readable{positions.start, positions.stable};
  const auto found = timestamp == max_timestamp ? records::find_max_time(*view, readable, reader)
                                                : records::find_time(*view, timestamp, readable, reader);
  if (!found) {
    answer.error_code = ErrorCode::corrupt_message;
  } else if (*found) {
    answer.offset = (*found)->offset;
    answer.timestamp = (*found)->timestamp;
    answer.leader_epoch = view->leader_epoch();
  } else if (view->base_offset() < positions.start) {
    return view->next_offset();
  }
  return std::nullopt;
}

// The first record at or after a time. The batches behind the one that the log start lies in are whole, so that the
// first of them whose largest timestamp is late enough has a record that is: at most two are read.
void look_up_time(Partition& partition, std::int64_t timestamp, const Positions& positions,
                  records::RecordReader& reader, ListOffsetsResponse::Partition& answer) {
  const auto look_from = [&](Offset from) {
    return answer_from(partition.batch_at_time(timestamp, from), timestamp, positions, reader, answer);
  };
  if (const auto behind = look_from(positions.start)) look_from(*behind);
}

// The record with the largest timestamp. In the batch that the log start lies in, the one that made it the largest may
// be gone: then what is left of it is compared with the batches behind.
void look_up_largest(Partition& partition, const Positions& positions, records::RecordReader& reader,
                     ListOffsetsResponse::Partition& answer) {
  const auto batch = partition.batch_with_largest_timestamp(positions.start);
  answer_from(batch, max_timestamp, positions, reader, answer);
  if (!batch || !*batch || answer.error_code != ErrorCode::none) return;
  const auto cut = records::BatchView::frame((*batch)->span());
  if (cut->base_offset() >= positions.start || answer.timestamp == cut->max_timestamp()) return;
  ListOffsetsResponse::Partition behind;
  answer_from(partition.batch_with_largest_timestamp(cut->next_offset()), max_timestamp, positions, reader, behind);
  if (behind.error_code != ErrorCode::none) {
    answer.error_code = behind.error_code;
  } else if (behind.offset >= 0 && (answer.offset < 0 || behind.timestamp > answer.timestamp)) {
    answer.offset = behind.offset;
    answer.timestamp = behind.timestamp;
    answer.leader_epoch = behind.leader_epoch;
  }
}

void look_up(Partition& partition, std::int64_t timestamp, records::RecordReader& reader,
             ListOffsetsResponse::Partition& answer) {
  const Positions positions = partition.positions();
  switch (timestamp) {
    case latest:  // also read-committed: no transaction is ever open
      answer.offset = positions.stable;
      answer.leader_epoch = positions.epoch;
      return;
    case earliest:
    case earliest_local:
      answer.offset = positions.start;
      answer.leader_epoch = positions.start == positions.end ? positions.epoch : partition.epoch_at(positions.start);
      return;
    case latest_tiered:
    case earliest_pending:
      return;  // nothing is tiered
    case max_timestamp:
      return look_up_largest(partition, positions, reader, answer);
    default:
      return look_up_time(partition, timestamp, positions, reader, answer);
  }
}

void end_of_epoch(const TopicHandle& topic, const OffsetForLeaderEpochRequest::Partition& wanted,
                  OffsetForLeaderEpochResponse::EpochEndOffset& answer) {
  answer.partition = wanted.partition;
  const Partition* const partition = find(topic, wanted.partition);
  if (partition == nullptr) {
    answer.error_code = ErrorCode::unknown_topic_or_partition;
    return;
  }
  answer.error_code =
      partition->is_offline() ? ErrorCode::kafka_storage_error : partition->check_epoch(wanted.current_leader_epoch);
  if (answer.error_code != ErrorCode::none || wanted.leader_epoch < 0) return;
  const Positions positions = partition->positions();
  if (wanted.leader_epoch == positions.epoch) {
    // Also when nothing has been appended in it yet.
    answer.leader_epoch = positions.epoch;
    answer.end_offset = positions.end;
    return;
  }
  if (wanted.leader_epoch > positions.epoch) return;
  const storage::LeaderEpochs::EpochEnd end = partition->end_of_epoch(wanted.leader_epoch);
  answer.leader_epoch = end.epoch;
  answer.end_offset = end.end_offset;
}

}  // namespace

void list_offsets(const Topics& topics, const RequestContext& context, const ListOffsetsRequest& request,
                  ListOffsetsResponse& response) {
  Listed<std::pair<std::string_view, std::int32_t>> listed;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) listed.add({topic.name, partition.partition_index});
  }
  records::RecordReader reader;
  for (const auto& wanted_topic : request.topics) {
    const TopicHandle topic = topics.find(wanted_topic.name);
    auto& answers = response.topics.emplace_back();
    answers.name = wanted_topic.name;
    for (const auto& wanted : wanted_topic.partitions) {
      const Turn turn = listed.take({wanted_topic.name, wanted.partition_index});
      if (turn == Turn::answered) continue;
      ListOffsetsResponse::Partition& answer = answers.partitions.emplace_back();
      answer.partition_index = wanted.partition_index;
      Partition* const partition = find(topic, wanted.partition_index);
      if (turn == Turn::repeated) {
        answer.error_code = ErrorCode::invalid_request;
      } else if (context.version() < asked_since(wanted.timestamp)) {
        answer.error_code = ErrorCode::unsupported_version;
      } else if (partition == nullptr) {
        answer.error_code = ErrorCode::unknown_topic_or_partition;
      } else if (partition->is_offline()) {
        answer.error_code = ErrorCode::kafka_storage_error;
      } else if (const ErrorCode error = partition->check_epoch(wanted.current_leader_epoch);
                 error != ErrorCode::none) {
        answer.error_code = error;
      } else {
        look_up(*partition, wanted.timestamp, reader, answer);
      }
    }
  }
}

void offset_for_leader_epoch(const Topics& topics, const RequestContext&, const OffsetForLeaderEpochRequest& request,
                             OffsetForLeaderEpochResponse& response) {
  for (const auto& wanted : request.topics) {
    const TopicHandle topic = topics.find(wanted.topic);
    auto& answers = response.topics.emplace_back();
    answers.topic = wanted.topic;
    for (const auto& partition : wanted.partitions) {
      end_of_epoch(topic, partition, answers.partitions.emplace_back());
    }
  }
}

}  // namespace cms::broker
