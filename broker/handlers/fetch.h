// SPDX-License-Identifier: Apache-2.0
// Fetch: what is stable and readable now, or, when that is less than min_bytes, as soon as an append makes it enough.
//
// The data path. Records leave by reference from the log's memory. A fetch that must wait is parked on its partitions
// and woken by the append itself; one that must be read from files does so through the core's I/O queue, so that
// readers of old data delay nobody else.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/metrics.h"
#include "broker/handlers/fetch_sessions.h"
#include "broker/handlers/request.h"
#include "broker/topics/topics.h"
#include "protocol/messages/fetch.h"

namespace cms::broker {

struct FetchMetrics {
  base::Counter& bytes;
  base::Counter& parked;
  base::Counter& cold_reads;
};

// What of a request outlives its frame.
struct FetchParameters {
  protocol::Version version = 0;
  std::int32_t correlation_id = 0;
  std::size_t min_bytes = 0;
  std::size_t bytes_max = 0;
  std::chrono::milliseconds max_wait{0};
  bool read_committed = false;
  const ListenerInfo* listener = nullptr;  // on which it came

  bool by_id() const { return version >= 13; }
};

// Records of one partition that have to come from a file.
struct ColdPartition {
  const FetchPartition* wanted = nullptr;  // in the fetch's context
  storage::ColdRange range;
  Offset below = 0;           // stable when it was looked up
  std::size_t bytes_max = 0;  // a limit for all but the first batch
  base::Bytes records;        // once read: whole batches
};

// One per core; the core's thread.
class FetchHandler {
 public:
  FetchHandler(Topics& topics, FetchSessions& sessions, std::size_t bytes_max, FetchMetrics metrics)
      : topics_(topics), sessions_(sessions), bytes_max_(bytes_max), metrics_(metrics) {}

  Served serve(Core& core, const RequestContext& context, base::ByteSpan body, protocol::FrameBuffer& out);

 private:
  friend class ParkedFetch;
  friend class ColdFetch;

  struct Answered {
    FetchPartition* wanted = nullptr;
    TopicHandle topic;  // until it is written
    protocol::FetchResponse::Partition answer;
  };

  FetchParameters parameters_of(const RequestContext& context) const;
  Served refuse(const FetchParameters& parameters, ErrorCode error, protocol::FrameBuffer& out);

  // Whether there is something to be told now; else it would have to wait.
  bool is_ready(const FetchParameters& parameters, FetchContext& context);

  // Whether what is there has left memory. It is answered although it is less than min_bytes: a parked fetch reads no
  // files, and would tell of nothing when its time is over.
  bool is_cold(const FetchParameters& parameters, FetchContext& context) const;

  // Fills answered_ with every partition. Those whose records lie in files are added to `cold` if it is empty, as far
  // as bytes_max reaches; otherwise it has what was read since, and they are answered with that. With `cold` null they
  // are answered without records: the client asks again and is then served from the file.
  void collect(const FetchParameters& parameters, FetchContext& context, std::vector<ColdPartition>* cold);

  // The next of answered_. What is returned has its records in a file.
  std::optional<ColdPartition> collect_one(const FetchParameters& parameters, FetchPartition& wanted,
                                           std::size_t remaining, bool first);
  static void rest_if_idle(Answered& answered, FetchContext& context);
  void write(const FetchParameters& parameters, FetchContext& context, protocol::FrameBuffer& out);
  TopicHandle find(const FetchParameters& parameters, const FetchPartition& wanted) const;

  Topics& topics_;
  FetchSessions& sessions_;
  const std::size_t bytes_max_;
  FetchMetrics metrics_;

  // Scratch, used again by every request.
  protocol::FetchRequest request_;
  protocol::FetchResponse response_;
  std::vector<Answered> answered_;
  std::size_t answered_count_ = 0;  // of answered_, whose memory is kept
  FetchContext context_;
  std::vector<ColdPartition> cold_;
};

}  // namespace cms::broker
