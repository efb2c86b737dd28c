// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/fetch.h"

#include <algorithm>

#include "broker/handlers/cold_fetch.h"
#include "broker/handlers/parked_fetch.h"

namespace cms::broker {

using protocol::FetchResponse;

namespace {

// The first version whose answers tell the address of a leader (KIP-951).
constexpr protocol::Version endpoints_since = 16;

// Adds what was read of this partition, within its limit as it is now: what came before it in the response may be more
// than was foreseen. Returns the bytes added.
std::size_t add_read(const std::vector<ColdPartition>& read, const ColdPartition& now, bool first,
                     protocol::Records& into) {
  const auto found =
      std::find_if(read.begin(), read.end(), [&](const ColdPartition& c) { return c.wanted == now.wanted; });
  if (found == read.end() || found->records.empty()) return 0;
  const ColdSlice fitting = find_in_cold(found->records, now.wanted->fetch_offset, found->below, now.bytes_max);
  if (!first && fitting.size > now.bytes_max) return 0;
  into.append(found->records.slice(fitting.from, fitting.size));
  return fitting.size;
}

}  // namespace

Served FetchHandler::serve(Core& core, const RequestContext& context, base::ByteSpan body, protocol::FrameBuffer& out) {
  if (const auto parsed = protocol::read(body, context.version(), request_); !parsed) {
    return Served::refuse(parsed.error().message());
  }
  const FetchParameters parameters = parameters_of(context);
  if (const ErrorCode error = sessions_.open(request_, parameters.version, context_); error != ErrorCode::none) {
    return refuse(parameters, error, out);
  }
  context_.look_again();
  if (!is_ready(parameters, context_)) {
    metrics_.parked.add();
    auto parked = std::make_shared<ParkedFetch>(core, *this, parameters, std::move(context_));
    parked->begin();
    return Served::later(std::move(parked));
  }
  cold_.clear();
  collect(parameters, context_, &cold_);
  if (!cold_.empty()) {
    metrics_.cold_reads.add(cold_.size());
    auto cold = std::make_shared<ColdFetch>(core, *this, parameters, std::move(context_), std::move(cold_));
    cold_ = {};
    cold->begin();
    for (std::size_t i = 0; i < answered_count_; ++i) answered_[i].topic.reset();
    return Served::later(std::move(cold));
  }
  write(parameters, context_, out);
  return Served::answered();
}

FetchParameters FetchHandler::parameters_of(const RequestContext& context) const {
  FetchParameters parameters;
  parameters.version = context.version();
  parameters.correlation_id = context.header.correlation_id;
  parameters.min_bytes = static_cast<std::size_t>(std::max(request_.min_bytes, 0));
  parameters.bytes_max = std::min(bytes_max_, static_cast<std::size_t>(std::max(request_.max_bytes, 0)));
  parameters.max_wait = std::chrono::milliseconds(std::max(request_.max_wait_ms, 0));
  parameters.read_committed = request_.isolation_level == protocol::IsolationLevel::read_committed;
  parameters.listener = &context.listener();
  return parameters;
}

Served FetchHandler::refuse(const FetchParameters& parameters, ErrorCode error, protocol::FrameBuffer& out) {
  response_.responses.clear();
  response_.node_endpoints.clear();
  response_.error_code = error;
  response_.session_id = 0;
  protocol::write_response(parameters.version, parameters.correlation_id, response_, out);
  return Served::answered();
}

TopicHandle FetchHandler::find(const FetchParameters& parameters, const FetchPartition& wanted) const {
  return parameters.by_id() ? topics_.find(wanted.topic_id) : topics_.find(wanted.topic);
}

bool FetchHandler::is_ready(const FetchParameters& parameters, FetchContext& context) {
  if (parameters.max_wait.count() == 0 || parameters.min_bytes == 0 || context.partitions().empty()) return true;
  std::size_t bytes = 0;
  for (const FetchPartition& wanted : context.partitions()) {
    const TopicHandle topic = find(parameters, wanted);
    Partition* const partition = topic == nullptr ? nullptr : topic->partition(wanted.partition);
    if (partition == nullptr) return true;
    const ReadOutcome there = partition->read(
        {wanted.fetch_offset, parameters.min_bytes, wanted.current_leader_epoch, wanted.last_fetched_epoch}, nullptr);
    if (there.error != ErrorCode::none || there.diverging.epoch >= 0) return true;
    bytes += there.bytes;
    if (bytes >= parameters.min_bytes) return true;
  }
  return bytes > 0 && is_cold(parameters, context);
}

bool FetchHandler::is_cold(const FetchParameters& parameters, FetchContext& context) const {
  for (const FetchPartition& wanted : context.partitions()) {
    const TopicHandle topic = find(parameters, wanted);
    Partition* const partition = topic == nullptr ? nullptr : topic->partition(wanted.partition);
    protocol::Records ignored;
    if (partition != nullptr && partition->read({.offset = wanted.fetch_offset, .bytes_max = 1}, &ignored).cold)
      return true;
  }
  return false;
}

void FetchHandler::collect(const FetchParameters& parameters, FetchContext& context, std::vector<ColdPartition>* cold) {
  answered_count_ = 0;
  const bool been_read = cold != nullptr && !cold->empty();
  std::size_t remaining = parameters.bytes_max;
  bool first = true;
  for (FetchPartition& wanted : context.partitions()) {
    std::optional<ColdPartition> in_file = collect_one(parameters, wanted, remaining, first);
    protocol::Records& records = answered_[answered_count_ - 1].answer.records;
    std::size_t bytes = records.size();
    if (in_file && been_read) {
      bytes = add_read(*cold, *in_file, first, records);
    } else if (in_file && cold != nullptr) {
      bytes = std::max<std::size_t>(in_file->range.bytes, 1);
      cold->push_back(std::move(*in_file));
    }
    if (bytes > 0) first = false;
    remaining -= std::min(remaining, bytes);
  }
}

std::optional<ColdPartition> FetchHandler::collect_one(const FetchParameters& parameters, FetchPartition& wanted,
                                                       std::size_t remaining, bool first) {
  if (answered_count_ == answered_.size()) answered_.emplace_back();
  Answered& answered = answered_[answered_count_++];
  answered.wanted = &wanted;
  FetchResponse::Partition& answer = answered.answer;
  answer = {};
  answer.partition_index = wanted.partition;
  answer.high_watermark = -1;
  answer.records.make_empty();
  if (parameters.read_committed) answer.aborted_transactions.emplace();
  answered.topic = find(parameters, wanted);
  const TopicHandle& topic = answered.topic;
  Partition* const partition = topic == nullptr ? nullptr : topic->partition(wanted.partition);
  if (partition == nullptr) {
    const bool unknown_id = parameters.by_id() && topic == nullptr;
    answer.error_code = unknown_id ? ErrorCode::unknown_topic_id : ErrorCode::unknown_topic_or_partition;
    return std::nullopt;
  }
  const std::size_t limit = std::min(remaining, static_cast<std::size_t>(std::max(wanted.bytes_max, 0)));
  const bool want_records = first || limit > 0;
  ReadOutcome outcome =
      partition->read({wanted.fetch_offset, limit, wanted.current_leader_epoch, wanted.last_fetched_epoch},
                      want_records ? &answer.records : nullptr);
  answer.error_code = outcome.error;
  answer.high_watermark = outcome.high_watermark;
  answer.last_stable_offset = outcome.high_watermark;
  answer.log_start_offset = outcome.log_start_offset;
  if (outcome.diverging.epoch >= 0) answer.diverging_epoch = {outcome.diverging.epoch, outcome.diverging.end_offset};
  if (outcome.error == ErrorCode::fenced_leader_epoch) {
    const replication::View view = partition->view();
    answer.current_leader = {view.leader(), view.number};
  }
  // A batch above the limit is sent only as the first of the response, so that every consumer gets on (KIP-74).
  if (!first && answer.records.size() > limit) answer.records.make_empty();
  if (!outcome.cold) return std::nullopt;
  return ColdPartition{&wanted, std::move(*outcome.cold), outcome.high_watermark, limit, {}};
}

// With records, or an error, which is told again until it is gone, it is looked at by the next fetch in any case.
void FetchHandler::rest_if_idle(Answered& answered, FetchContext& context) {
  const TopicHandle topic = std::move(answered.topic);
  const FetchResponse::Partition& answer = answered.answer;
  const bool idle = answer.error_code == ErrorCode::none && answer.diverging_epoch.epoch < 0 &&
                    answer.records.size() == 0 && answered.wanted->fetch_offset == answer.high_watermark;
  if (!idle) return;
  Partition& partition = *topic->partition(answer.partition_index);
  context.rest(*answered.wanted, partition, answer.high_watermark, answer.log_start_offset);
}

void FetchHandler::write(const FetchParameters& parameters, FetchContext& context, protocol::FrameBuffer& out) {
  std::size_t topics = 0;
  std::size_t partitions = 0;  // of the last topic
  std::size_t bytes = 0;
  const FetchPartition* last = nullptr;
  response_.node_endpoints.clear();
  for (std::size_t i = 0; i < answered_count_; ++i) {
    Answered& answered = answered_[i];
    FetchPartition& wanted = *answered.wanted;
    const bool included = context.include(wanted, answered.answer);
    rest_if_idle(answered, context);
    if (!included) continue;
    if (last == nullptr || last->topic != wanted.topic || last->topic_id != wanted.topic_id) {
      if (topics > 0) response_.responses[topics - 1].partitions.resize(partitions);
      if (topics == response_.responses.size()) response_.responses.emplace_back();
      response_.responses[topics].topic = wanted.topic;
      response_.responses[topics].topic_id = wanted.topic_id;
      ++topics;
      partitions = 0;
      last = &wanted;
    }
    auto& list = response_.responses[topics - 1].partitions;
    if (partitions == list.size()) list.emplace_back();
    bytes += answered.answer.records.size();
    if (answered.answer.current_leader.leader_id >= 0 && response_.node_endpoints.empty() &&
        parameters.version >= endpoints_since) {
      response_.node_endpoints.push_back({.node_id = answered.answer.current_leader.leader_id,
                                          .host = parameters.listener->advertised_host,
                                          .port = parameters.listener->advertised_port,
                                          .rack = {}});
    }
    list[partitions++] = std::move(answered.answer);
  }
  if (topics > 0) response_.responses[topics - 1].partitions.resize(partitions);
  response_.responses.resize(topics);
  response_.error_code = ErrorCode::none;
  response_.session_id = context.finish();
  metrics_.bytes.add(bytes);
  protocol::write_response(parameters.version, parameters.correlation_id, response_, out);
  for (auto& topic : response_.responses) {
    for (auto& partition : topic.partitions) partition.records.reset();  // the log's memory is not kept by scratch
  }
}

}  // namespace cms::broker
