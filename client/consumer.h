// SPDX-License-Identifier: Apache-2.0
// Reads the partitions it is given, each from an offset on, in order.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "client/cluster.h"
#include "records/iterate.h"

namespace cms::client {

struct ConsumerOptions {
  std::int32_t wait_ms_max = 500;  // how long the broker may wait for bytes_min
  std::int32_t bytes_min = 1;
  std::int32_t bytes_max = 8 << 20;            // of one answer
  std::int32_t partition_bytes_max = 1 << 20;  // of one partition in it; a larger batch comes whole
};

// Sees every record in turn; what it shows is valid for the call. Returns whether to go on.
using RecordVisitor = std::function<bool(std::int32_t partition, const records::RecordView& record)>;

// One owner, one thread. The cluster outlives it.
class Consumer {
 public:
  Consumer(Cluster& cluster, std::string topic, ConsumerOptions options = {});

  void assign(std::int32_t partition, records::Offset from);
  void unassign(std::int32_t partition) { positions_.erase(partition); }

  // One fetch from each leader of a partition assigned. Checks each batch's checksum, decompresses, leaves out control
  // batches and what lies before the position, and moves the position past every record visited. An offset that the
  // log does not have is an error that names the offsets it has.
  Result<void> poll(const RecordVisitor& visit);

  // The next offset to read of each partition assigned.
  const std::map<std::int32_t, records::Offset>& positions() const { return positions_; }

 private:
  Result<void> add_to(std::map<Connection*, protocol::FetchRequest>& requests, std::int32_t partition,
                      records::Offset offset);
  Result<void> take(const protocol::FetchResponse& answer, const RecordVisitor& visit, bool& more);
  Result<void> take_records(std::int32_t partition, base::ByteSpan bytes, const RecordVisitor& visit, bool& more);
  Result<void> take_batch(std::int32_t partition, const records::BatchView& batch, const RecordVisitor& visit,
                          bool& more);
  Error fetch_refused(protocol::ErrorCode code, std::int32_t partition);

  Cluster& cluster_;
  const std::string topic_;
  const ConsumerOptions options_;
  std::map<std::int32_t, records::Offset> positions_;
  records::RecordReader reader_;
};

}  // namespace cms::client
