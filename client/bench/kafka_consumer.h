// SPDX-License-Identifier: Apache-2.0
// One consumer's connection: a Fetch that waits at the broker, in a session (KIP-227), so that thousands of partitions
// are named once and then only those that had records.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/bench/driver.h"
#include "client/bench/kafka_wire.h"
#include "client/socket.h"

namespace cms::client::bench {

// One owner, one thread; never waits.
class KafkaConsumer {
 public:
  struct Options {
    std::string topic;
    int subscription = 0;  // that the listener is told of
    std::vector<std::int32_t> partitions;
    std::int32_t partition_bytes_max = 1 << 20;
  };

  KafkaConsumer(Socket socket, Options options);

  // Sends the first fetch.
  Result<void> start();

  // Reads what has come, and fetches again.
  Result<void> receive(Listener& listener);

  // What the socket did not take before.
  Result<void> write();

  int descriptor() const { return socket_.descriptor(); }
  bool wants_to_send() const { return out_sent_ < out_.size(); }

 private:
  void build_fetch();
  Result<void> answered(base::ByteSpan frame, Listener& listener);
  Result<void> take_partition(FieldReader& in, Listener& listener);

  const Options options_;
  Socket socket_;
  Unpacker unpacker_;
  std::vector<std::int64_t> offsets_;  // by partition
  std::vector<std::int32_t> changed_;  // those whose offset the session does not know yet
  std::int32_t session_id_ = 0;
  std::int32_t session_epoch_ = 0;
  std::int32_t correlation_id_ = 0;
  std::string out_;
  std::size_t out_sent_ = 0;
};

}  // namespace cms::client::bench
