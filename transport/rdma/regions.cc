// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/regions.h"

#include <algorithm>

namespace cms::transport::rdma {

namespace {

bool lies_in(base::ByteSpan part, base::ByteSpan region) {
  const auto begin = reinterpret_cast<std::uintptr_t>(part.data());
  const auto region_begin = reinterpret_cast<std::uintptr_t>(region.data());
  return begin >= region_begin && begin - region_begin <= region.size() &&
         part.size() <= region.size() - (begin - region_begin);
}

bool same_owner(const std::weak_ptr<const void>& known, const std::shared_ptr<const void>& owner) {
  return !known.owner_before(owner) && !owner.owner_before(known);
}

}  // namespace

std::optional<std::uint32_t> Regions::key_of(const base::Bytes& part, base::ByteSpan region, std::uint64_t used_until,
                                             std::uint64_t completed_until) {
  if (!part.owner() || !lies_in(part, region)) return std::nullopt;
  const auto found = std::find_if(known_.begin(), known_.end(), [&](const Known& known) {
    return same_owner(known.owner, part.owner()) && lies_in(part, known.memory);
  });
  if (found != known_.end()) {
    found->used_until = used_until;
    return found->region->lkey;
  }
  if (refused_ || !make_place(completed_until)) return std::nullopt;
  base::Result<Region> registered = register_memory(domain_, region, 0);
  if (!registered) {
    refused_ = true;
    return std::nullopt;
  }
  known_.push_back({part.owner(), region, std::move(*registered), used_until});
  return known_.back().region->lkey;
}

void Regions::forget_gone() {
  std::erase_if(known_, [](const Known& known) { return known.owner.expired(); });
}

bool Regions::make_place(std::uint64_t completed_until) {
  if (known_.size() < regions_max) return true;
  forget_gone();
  if (known_.size() < regions_max) return true;
  const auto oldest = std::min_element(known_.begin(), known_.end(), [](const Known& left, const Known& right) {
    return left.used_until < right.used_until;
  });
  if (oldest->used_until > completed_until) return false;
  known_.erase(oldest);
  return true;
}

}  // namespace cms::transport::rdma
