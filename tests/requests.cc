// SPDX-License-Identifier: Apache-2.0
#include "tests/requests.h"

#include <chrono>
#include <stdexcept>

#include "base/crc32c.h"
#include "records/iterate.h"

namespace cms::tests {

namespace {

void expect_none(ErrorCode error, const std::string& what, const std::optional<std::string>& message = {}) {
  if (error == ErrorCode::none) return;
  throw std::runtime_error(what + ": " + std::string(protocol::name_of(error)) + " " + message.value_or(""));
}

std::string text_of(const std::optional<ByteSpan>& bytes) {
  return bytes ? std::string(base::as_text(*bytes)) : std::string();
}

}  // namespace

std::int64_t now_ms() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

protocol::CreateTopicsRequest new_topic(const std::string& name, std::int32_t partitions, const Configs& configs) {
  protocol::CreateTopicsRequest request;
  request.topics.push_back(
      {.name = name, .num_partitions = partitions, .replication_factor = 1, .assignments = {}, .configs = {}});
  for (const auto& [key, value] : configs) request.topics[0].configs.push_back({key, value});
  return request;
}

base::Uuid create_topic(Wire& wire, const std::string& name, std::int32_t partitions, const Configs& configs) {
  const auto response = wire.call(new_topic(name, partitions, configs));
  expect_none(response.topics.at(0).error_code, "creating " + name, response.topics[0].error_message);
  return response.topics[0].topic_id;
}

ErrorCode delete_topic(Wire& wire, const std::string& name) {
  protocol::DeleteTopicsRequest request;
  request.topics.push_back({.name = name, .topic_id = {}});
  request.timeout_ms = 10'000;
  return wire.call(request).responses.at(0).error_code;
}

protocol::MetadataRequest about(const std::vector<std::string>& names, bool create) {
  protocol::MetadataRequest request;
  request.allow_auto_topic_creation = create;
  request.topics.emplace();
  for (const std::string& name : names) request.topics->push_back({.topic_id = {}, .name = name});
  return request;
}

protocol::MetadataResponse::Topic metadata_of(Wire& wire, const std::string& name) {
  return wire.call(about({name})).topics.at(0);
}

std::int32_t leader_epoch(Wire& wire, const std::string& topic, std::int32_t partition) {
  return metadata_of(wire, topic).partitions.at(static_cast<std::size_t>(partition)).leader_epoch;
}

void set_config(Wire& wire, const std::string& topic, const std::string& name, std::optional<std::string> value) {
  protocol::IncrementalAlterConfigsRequest request;
  const auto operation = value ? protocol::ConfigOperation::set : protocol::ConfigOperation::remove;
  request.resources.push_back({protocol::ConfigResourceType::topic, topic, {{name, operation, std::move(value)}}});
  const auto response = wire.call(request);
  expect_none(response.responses.at(0).error_code, "setting " + name, response.responses[0].error_message);
}

Batch batch_holding(const std::vector<std::string>& values, records::BatchOptions options) {
  records::BatchBuilder builder(options);
  const std::int64_t now = now_ms();
  for (const std::string& value : values) builder.add({.timestamp = now, .value = base::as_bytes(value)});
  return builder.finish();
}

Batch batch_of(std::string_view value, records::BatchOptions options) {
  return batch_holding({std::string(value)}, options);
}

Batch batch_at(const std::vector<std::int64_t>& timestamps, records::BatchOptions options) {
  records::BatchBuilder builder(options);
  for (std::size_t i = 0; i < timestamps.size(); ++i) {
    const std::string value = std::to_string(i);
    builder.add({.timestamp = timestamps[i], .value = base::as_bytes(value)});
  }
  return builder.finish();
}

Batch numbered(std::int64_t producer_id, std::int16_t epoch, std::int32_t sequence, int count) {
  std::vector<std::string> values;
  for (int i = 0; i < count; ++i) values.push_back(std::to_string(records::advance_sequence(sequence, i)));
  records::BatchOptions options;
  options.producer_id = producer_id;
  options.producer_epoch = epoch;
  options.base_sequence = sequence;
  return batch_holding(values, options);
}

protocol::ProduceRequest produce_request(const std::string& topic, std::int32_t partition, ByteSpan batch,
                                         std::int16_t acks) {
  protocol::ProduceRequest request;
  request.acks = acks;
  request.timeout_ms = 30'000;
  request.topic_data.push_back({.name = topic, .topic_id = {}, .partition_data = {{partition, batch}}});
  return request;
}

ProduceAnswer produce(Wire& wire, const std::string& topic, ByteSpan batch, std::int16_t acks, std::int32_t partition,
                      Version version) {
  return wire.call(produce_request(topic, partition, batch, acks), version).responses.at(0).partition_responses.at(0);
}

Offset append(Wire& wire, const std::string& topic, ByteSpan batch, std::int32_t partition) {
  const ProduceAnswer answer = produce(wire, topic, batch, -1, partition);
  expect_none(answer.error_code, "producing to " + topic, answer.error_message);
  return answer.base_offset;
}

std::int64_t new_producer_id(Wire& wire) {
  const auto response = wire.call(protocol::InitProducerIdRequest{});
  expect_none(response.error_code, "a producer id");
  return response.producer_id;
}

void add_to(protocol::FetchRequest& request, const std::string& topic, std::int32_t partition, Offset from,
            const FetchOptions& options) {
  protocol::FetchRequest::Partition wanted;
  wanted.partition = partition;
  wanted.fetch_offset = from;
  wanted.partition_max_bytes = options.partition_max_bytes;
  wanted.current_leader_epoch = options.current_leader_epoch;
  wanted.last_fetched_epoch = options.last_fetched_epoch;
  if (request.topics.empty() || request.topics.back().topic != topic)
    request.topics.push_back({.topic = topic, .topic_id = {}, .partitions = {}});
  request.topics.back().partitions.push_back(wanted);
}

protocol::FetchRequest fetch_request(const std::string& topic, Offset from, const FetchOptions& options,
                                     std::int32_t partition) {
  protocol::FetchRequest request;
  request.max_wait_ms = options.max_wait_ms;
  request.min_bytes = options.min_bytes;
  request.max_bytes = options.max_bytes;
  add_to(request, topic, partition, from, options);
  return request;
}

Fetched only_partition(const protocol::FetchResponse& response) {
  Fetched fetched;
  fetched.top_error = response.error_code;
  if (response.responses.empty() || response.responses[0].partitions.empty()) return fetched;
  const auto& partition = response.responses[0].partitions[0];
  fetched.error = partition.error_code;
  fetched.high_watermark = partition.high_watermark;
  fetched.last_stable_offset = partition.last_stable_offset;
  fetched.log_start_offset = partition.log_start_offset;
  fetched.diverging_epoch = partition.diverging_epoch.epoch;
  fetched.diverging_end = partition.diverging_epoch.end_offset;
  const ByteSpan bytes = partition.records.bytes();
  fetched.records.assign(bytes.begin(), bytes.end());
  return fetched;
}

Fetched receive_fetched(Wire& wire) { return only_partition(wire.receive<protocol::FetchResponse>()); }

Fetched fetch(Wire& wire, const std::string& topic, Offset from, const FetchOptions& options, std::int32_t partition) {
  return only_partition(wire.call(fetch_request(topic, from, options, partition), options.version));
}

std::vector<ReadRecord> records_in(ByteSpan batches) {
  std::vector<ReadRecord> found;
  while (!batches.empty()) {
    const auto batch = records::BatchView::frame(batches);
    if (!batch) throw std::runtime_error("not a whole batch of magic 2");
    if (base::crc32c(batch->checksummed()) != batch->crc()) throw std::runtime_error("a batch with a wrong checksum");
    records::RecordReader reader(*batch);
    while (const records::RecordView* record = reader.next())
      found.push_back({record->offset, record->timestamp, text_of(record->key), text_of(record->value)});
    if (!reader.status()) throw std::runtime_error(reader.status().error().message());
    batches = batches.subspan(batch->size());
  }
  return found;
}

std::vector<std::string> values_in(ByteSpan batches) {
  std::vector<std::string> values;
  for (ReadRecord& record : records_in(batches)) values.push_back(std::move(record.value));
  return values;
}

std::vector<ReadRecord> read_all(Wire& wire, const std::string& topic, Offset from, std::int32_t partition) {
  std::vector<ReadRecord> all;
  while (true) {
    const Fetched fetched = fetch(wire, topic, from, {}, partition);
    expect_none(fetched.error, "reading " + topic + " from " + std::to_string(from));
    if (fetched.records.empty()) return all;
    for (ReadRecord& record : records_in(fetched.records)) {
      if (record.offset >= from) all.push_back(std::move(record));
    }
    // Not behind the last record: compaction leaves batches that end in a gap, or have no record at all.
    for (ByteSpan rest = fetched.records; const auto batch = records::BatchView::frame(rest);) {
      from = batch->next_offset();
      rest = rest.subspan(batch->size());
    }
  }
}

protocol::ListOffsetsResponse::Partition list_offset(Wire& wire, const std::string& topic, std::int64_t timestamp,
                                                     Version version, std::int32_t partition) {
  protocol::ListOffsetsRequest request;
  request.replica_id = -1;
  request.topics.push_back(
      {topic, {{.partition_index = partition, .current_leader_epoch = -1, .timestamp = timestamp}}});
  return wire.call(request, version).topics.at(0).partitions.at(0);
}

Offset end_offset(Wire& wire, const std::string& topic, std::int32_t partition) {
  return list_offset(wire, topic, -1, 10, partition).offset;
}

Offset start_offset(Wire& wire, const std::string& topic, std::int32_t partition) {
  return list_offset(wire, topic, -2, 10, partition).offset;
}

protocol::DeleteRecordsResponse::Partition delete_records(Wire& wire, const std::string& topic, Offset before) {
  protocol::DeleteRecordsRequest request;
  request.timeout_ms = 10'000;
  request.topics.push_back({topic, {{.partition_index = 0, .offset = before}}});
  return wire.call(request).topics.at(0).partitions.at(0);
}

}  // namespace cms::tests
