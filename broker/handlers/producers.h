// SPDX-License-Identifier: Apache-2.0
// Producer ids for idempotent producers (KIP-98).
#pragma once

#include <cstdint>
#include <mutex>

#include "base/result.h"
#include "broker/handlers/request.h"
#include "broker/metadata/metadata.h"
#include "broker/topics/partition.h"
#include "protocol/messages/producer.h"

namespace cms::broker {

// Hands out ids that were never given before, from blocks that the metadata has reserved for good: after a crash the
// rest of a block is lost, and no id is given twice. Any thread.
class ProducerIds {
 public:
  // The metadata outlives this.
  explicit ProducerIds(Metadata& metadata) : metadata_(metadata) {}

  // Blocks once in Metadata::producer_id_block ids, until the next block is durable. After an error the next call tries
  // again.
  base::Result<std::int64_t> next();

 private:
  Metadata& metadata_;

  std::mutex mutex_;
  std::int64_t next_ = 0;
  std::int64_t end_ = 0;
};

// May block. Transactions are not served: a transactional id is answered with UNSUPPORTED_VERSION, which clients take
// for final and show to the application; any error about coordinators would have them ask for ever.
void init_producer_id(ProducerIds& ids, const RequestContext& context, const protocol::InitProducerIdRequest& request,
                      protocol::InitProducerIdResponse& response);

}  // namespace cms::broker
