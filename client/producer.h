// SPDX-License-Identifier: Apache-2.0
// Appends records to one topic: collects them into a batch for each partition, keeps several requests in flight.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "client/cluster.h"
#include "records/build.h"

namespace cms::client {

struct ProducerOptions {
  std::int16_t acks = -1;  // -1: when the topic's promise holds; 1: when the leader has it; 0: no answer at all
  records::Codec codec = records::Codec::none;
  bool idempotent = false;                  // the broker recognizes batches sent twice (KIP-98); needs acks = -1
  std::size_t batch_bytes_max = 256 << 10;  // uncompressed; a larger record goes alone
  std::size_t in_flight_max = 5;            // requests
  std::int32_t timeout_ms = 30'000;
};

// What has been acknowledged of one partition (with acks 0: sent, and no offset is known).
struct Appended {
  std::int64_t records = 0;
  std::int64_t first_offset = -1;
  std::int64_t last_offset = -1;
};

// One owner, one thread. The cluster outlives it. What the broker refuses for the moment is sent again for up to 10 s;
// only an idempotent producer keeps the order of batches then, and never appends one twice. Records not flushed when it
// is destroyed are lost. After an error the records in flight may or may not have been appended, and the producer is of
// no more use.
class Producer {
 public:
  Producer(Cluster& cluster, std::string topic, ProducerOptions options = {});

  // Copies the record into the partition's batch; sends the batch first when it would grow too large.
  Result<void> add(std::int32_t partition, const records::NewRecord& record);

  // Sends every batch begun, without waiting for answers beyond in_flight_max.
  Result<void> send();

  // Sends every batch begun and waits for all answers.
  Result<void> flush();

  // By partition.
  const std::map<std::int32_t, Appended>& appended() const { return appended_; }

 private:
  struct InFlight {
    Connection* connection;
    Pending<protocol::ProduceRequest> pending;
    std::int32_t partition;
    std::int32_t records;
    std::vector<std::byte> bytes;  // the batch, to send again
  };
  using PartitionAnswer = protocol::ProduceResponse::Partition;

  Result<void> begin();
  records::BatchBuilder& builder(std::int32_t partition);
  Result<void> send_batch(std::int32_t partition, records::BatchBuilder& batch);
  Result<void> send_request(InFlight& sent);
  Result<PartitionAnswer> receive_answer(const InFlight& sent);
  Result<void> receive_one();
  Result<void> retry(InFlight first);
  Result<void> send_until_accepted(InFlight& sent);
  Error refused(const InFlight& sent, const PartitionAnswer& answer) const;
  void count(std::int32_t partition, std::int32_t records, std::int64_t base_offset);

  Cluster& cluster_;
  const std::string topic_;
  const ProducerOptions options_;
  bool begun_ = false;
  records::ProducerId producer_id_ = records::no_producer_id;
  records::ProducerEpoch producer_epoch_ = records::no_producer_epoch;
  std::map<std::int32_t, records::BatchBuilder> batches_;
  std::map<std::int32_t, records::Sequence> next_sequence_;
  std::deque<InFlight> in_flight_;  // in the order sent; at most in_flight_max
  std::map<std::int32_t, Appended> appended_;
};

// The partition that Kafka's own clients choose for a key (murmur2), so that they agree with us; `count` > 0.
std::int32_t partition_of_key(base::ByteSpan key, std::int32_t count);

}  // namespace cms::client
