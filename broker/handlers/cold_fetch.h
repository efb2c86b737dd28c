// SPDX-License-Identifier: Apache-2.0
// A fetch some of whose records come from files: reads them through the core's I/O queue, then answers.
#pragma once

#include <memory>
#include <vector>

#include "broker/handlers/fetch.h"

namespace cms::broker {

class ColdFetch final : public Pending {
 public:
  ColdFetch(Core& core, FetchHandler& handler, const FetchParameters& parameters, FetchContext context,
            std::vector<ColdPartition> cold);

  // After construction, when shared pointers to this exist.
  void begin();

  void answer(protocol::FrameBuffer& out) override;

 private:
  // One partition's reading. More than one read when the batch wanted turns out to be larger than what was read.
  class Reading final : public storage::IoCompletion {
   public:
    Reading(ColdFetch& fetch, ColdPartition& cold) : fetch_(fetch), cold_(cold) {}
    void start(std::uint64_t position, std::size_t bytes);
    void completed(base::Result<std::size_t> bytes) noexcept override;

   private:
    void finish();

    ColdFetch& fetch_;
    ColdPartition& cold_;
    std::uint64_t position_ = 0;
    std::size_t size_ = 0;
    std::shared_ptr<std::byte[]> memory_;
  };

  FetchHandler& handler_;
  const FetchParameters parameters_;
  FetchContext context_;
  std::vector<ColdPartition> cold_;
  std::vector<std::unique_ptr<Reading>> readings_;
  std::size_t remaining_ = 0;
  std::shared_ptr<Pending> self_;  // while the queue refers to our readings
};

// Where in `bytes`, a piece of a segment, the wanted records lie: whole batches from the one that holds `offset`, all
// below `below`, at most `bytes_max` but one at least. `missing`: the batch wanted is there in part; so many bytes from
// `from` on are needed.
struct ColdSlice {
  std::size_t from = 0;
  std::size_t size = 0;
  std::size_t missing = 0;
};
ColdSlice find_in_cold(base::ByteSpan bytes, Offset offset, Offset below, std::size_t bytes_max);

}  // namespace cms::broker
