// SPDX-License-Identifier: Apache-2.0
// Memory of others, the chunks of logs, registered with one channel's device so that messages are gathered from it.
//
// Registered without any access: the device may read it to send it, nobody else gets near it. A registration is good
// for the owner it was made for and no other: memory that was given back and taken anew lies elsewhere in the machine
// though its address is the same. It pins what it names, so it goes when its owner has gone; forget_gone() looks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "transport/rdma/limits.h"
#include "transport/rdma/verbs.h"

namespace cms::transport::rdma {

// The channel's thread. `domain` outlives it.
class Regions {
 public:
  explicit Regions(ibv_pd& domain) : domain_(domain) {}

  // The key by which the device may read `part`, which lies in `region`. The caller holds the part's owner until what
  // it sends from there, the ring up to `used_until`, has been completed; `completed_until` is how far that is.
  // Nothing: it cannot be registered, copy it.
  std::optional<std::uint32_t> key_of(const base::Bytes& part, base::ByteSpan region, std::uint64_t used_until,
                                      std::uint64_t completed_until);

  void forget_gone();
  std::size_t size() const { return known_.size(); }

 private:
  struct Known {
    std::weak_ptr<const void> owner;
    base::ByteSpan memory;
    Region region;
    std::uint64_t used_until = 0;
  };

  bool make_place(std::uint64_t completed_until);

  ibv_pd& domain_;
  std::vector<Known> known_;  // regions_max
  bool refused_ = false;      // memory could not be pinned: not tried again for each message
};

}  // namespace cms::transport::rdma
