// SPDX-License-Identifier: Apache-2.0
// Requests as the cases need them, with everything a case does not care about filled in, and what is looked up in the
// answers.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "records/batch.h"
#include "records/build.h"
#include "tests/wire.h"

namespace cms::tests {

using records::Offset;
using Batch = std::vector<std::byte>;
using Configs = std::vector<std::pair<std::string, std::string>>;

// The last versions that name topics; later ones have ids only.
inline constexpr Version named_produce = 12;
inline constexpr Version named_fetch = 12;

std::int64_t now_ms();

// --- Topics.

protocol::CreateTopicsRequest new_topic(const std::string& name, std::int32_t partitions = 1,
                                        const Configs& configs = {});

// Throws unless the broker makes it. Returns its id.
base::Uuid create_topic(Wire& wire, const std::string& name, std::int32_t partitions = 1, const Configs& configs = {});
ErrorCode delete_topic(Wire& wire, const std::string& name);

protocol::MetadataRequest about(const std::vector<std::string>& names, bool create = false);
protocol::MetadataResponse::Topic metadata_of(Wire& wire, const std::string& name);
std::int32_t leader_epoch(Wire& wire, const std::string& topic, std::int32_t partition = 0);

// Sets, or with nullopt resets, one config of a topic; throws when it is refused.
void set_config(Wire& wire, const std::string& topic, const std::string& name, std::optional<std::string> value);

// --- Batches.

// One batch of records with these values, no keys, stamped now.
Batch batch_holding(const std::vector<std::string>& values, records::BatchOptions options = {});
Batch batch_of(std::string_view value, records::BatchOptions options = {});

// One batch with a timestamp for each record; the values are "0", "1", ...
Batch batch_at(const std::vector<std::int64_t>& timestamps, records::BatchOptions options = {});

// As an idempotent producer sends it: `count` records from `sequence` on.
Batch numbered(std::int64_t producer_id, std::int16_t epoch, std::int32_t sequence, int count = 1);

// --- Produce.

using ProduceAnswer = protocol::ProduceResponse::Partition;

protocol::ProduceRequest produce_request(const std::string& topic, std::int32_t partition, ByteSpan batch,
                                         std::int16_t acks = -1);
ProduceAnswer produce(Wire& wire, const std::string& topic, ByteSpan batch, std::int16_t acks = -1,
                      std::int32_t partition = 0, Version version = named_produce);

// The offset given; throws when the batch is refused.
Offset append(Wire& wire, const std::string& topic, ByteSpan batch, std::int32_t partition = 0);

std::int64_t new_producer_id(Wire& wire);

// --- Fetch.

struct FetchOptions {
  std::int32_t max_wait_ms = 0;
  std::int32_t min_bytes = 1;
  std::int32_t max_bytes = 50 << 20;
  std::int32_t partition_max_bytes = 10 << 20;
  std::int32_t current_leader_epoch = -1;
  std::int32_t last_fetched_epoch = -1;
  Version version = named_fetch;
};

protocol::FetchRequest fetch_request(const std::string& topic, Offset from, const FetchOptions& options = {},
                                     std::int32_t partition = 0);
void add_to(protocol::FetchRequest& request, const std::string& topic, std::int32_t partition, Offset from,
            const FetchOptions& options = {});

// What a fetch of one partition gives, the records copied.
struct Fetched {
  ErrorCode top_error = ErrorCode::none;
  ErrorCode error = ErrorCode::none;
  Offset high_watermark = -1;
  Offset last_stable_offset = -1;
  Offset log_start_offset = -1;
  std::int32_t diverging_epoch = -1;
  Offset diverging_end = -1;
  std::vector<std::byte> records;
};

Fetched fetch(Wire& wire, const std::string& topic, Offset from, const FetchOptions& options = {},
              std::int32_t partition = 0);
Fetched receive_fetched(Wire& wire);
Fetched only_partition(const protocol::FetchResponse& response);

struct ReadRecord {
  Offset offset = 0;
  std::int64_t timestamp = -1;
  std::string key;
  std::string value;

  bool operator==(const ReadRecord&) const = default;
};

// All records of the batches, decompressed; throws where a batch is not what it should be.
std::vector<ReadRecord> records_in(ByteSpan batches);
std::vector<std::string> values_in(ByteSpan batches);

// Everything from `from` to the end of a partition, fetch after fetch.
std::vector<ReadRecord> read_all(Wire& wire, const std::string& topic, Offset from = 0, std::int32_t partition = 0);

// --- Offsets.

protocol::ListOffsetsResponse::Partition list_offset(Wire& wire, const std::string& topic, std::int64_t timestamp,
                                                     Version version = 10, std::int32_t partition = 0);
Offset end_offset(Wire& wire, const std::string& topic, std::int32_t partition = 0);
Offset start_offset(Wire& wire, const std::string& topic, std::int32_t partition = 0);

protocol::DeleteRecordsResponse::Partition delete_records(Wire& wire, const std::string& topic, Offset before);

}  // namespace cms::tests
