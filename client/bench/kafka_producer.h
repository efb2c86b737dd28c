// SPDX-License-Identifier: Apache-2.0
// One producer's connection: what is handed over between two flushes leaves as one Produce request, several of which
// may be under way.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/clock.h"
#include "client/bench/driver.h"
#include "client/socket.h"
#include "records/compress.h"

namespace cms::client::bench {

// One owner, one thread; never waits.
class KafkaProducer {
 public:
  struct Options {
    std::string topic;
    int number = 0;  // the producer that the listener is told of
    int partitions = 1;
    int requests_in_flight = 1;
    int acks = 1;
    std::size_t batch_bytes = 16'384;  // before compression
    records::Codec codec = records::Codec::none;
  };

  KafkaProducer(Socket socket, Options options, const base::Clock& clock);

  // False when the partition's batch is full and cannot leave now. A record above batch_bytes makes a batch of its own.
  Result<bool> add(const OutgoingRecord& record);

  // Sends what was added, if not too many requests are under way, and what the socket did not take before.
  Result<void> flush();

  // Reads what has come.
  Result<void> receive(Listener& listener);

  int descriptor() const { return socket_.descriptor(); }
  bool wants_to_send() const { return out_sent_ < out_.size(); }

 private:
  struct Batch {
    std::string records;
    std::int32_t count = 0;
  };
  using Times = std::vector<std::int64_t>;

  void build_request();
  std::string_view packed(std::string_view records);
  Result<void> write();
  Result<void> answered(base::ByteSpan frame, Listener& listener);

  const Options options_;
  const base::Clock& clock_;
  Socket socket_;
  records::Compressor compressor_;
  std::vector<std::byte> packed_;
  std::vector<Batch> batches_;        // by partition
  std::vector<std::int32_t> filled_;  // the partitions whose batch is not empty
  Times waiting_;                     // when the records of the batches were due
  std::deque<Times> under_way_;       // the same, of each request, in the order sent
  std::vector<Times> spare_;          // their memory, to be used again
  std::string out_;                   // frames that the socket has not taken yet: [out_sent_, end)
  std::size_t out_sent_ = 0;
  std::int32_t correlation_id_ = 0;
};

}  // namespace cms::client::bench
