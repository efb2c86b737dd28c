// SPDX-License-Identifier: Apache-2.0
// A fetch some of whose records come from files: reads them through the core's I/O queue, then answers.
#pragma once

#include <memory>
#include <vector>

#include "broker/handlers/cold_read.h"
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
  void finished(ColdPartition& cold, base::Bytes records);

  FetchHandler& handler_;
  const FetchParameters parameters_;
  FetchContext context_;
  std::vector<ColdPartition> cold_;
  std::vector<std::unique_ptr<ColdRead>> readings_;
  std::size_t remaining_ = 0;
  std::shared_ptr<Wakeable> self_;  // while the queue refers to our readings
};

}  // namespace cms::broker
