// SPDX-License-Identifier: Apache-2.0
// What libibverbs and librdmacm hand out, each with one owner.
#pragma once

#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "transport/rdma/rdma_core.h"

namespace cms::transport::rdma {

template <auto release>
struct Release {
  template <typename T>
  void operator()(T* thing) const {
    (core().*release)(thing);
  }
};

using EventChannel = std::unique_ptr<rdma_event_channel, Release<&RdmaCore::destroy_event_channel>>;
using Id = std::unique_ptr<rdma_cm_id, Release<&RdmaCore::destroy_id>>;
using ProtectionDomain = std::unique_ptr<ibv_pd, Release<&RdmaCore::dealloc_pd>>;
using CompletionChannel = std::unique_ptr<ibv_comp_channel, Release<&RdmaCore::destroy_comp_channel>>;
using CompletionQueue = std::unique_ptr<ibv_cq, Release<&RdmaCore::destroy_cq>>;
using Region = std::unique_ptr<ibv_mr, Release<&RdmaCore::dereg_mr>>;
using QueuePairOf = std::unique_ptr<rdma_cm_id, Release<&RdmaCore::destroy_qp>>;  // the queue pair; the id is another's

// From errno; for memory that cannot be pinned it says what to do.
base::Error verbs_error(std::string_view action);

// `access` of other than nothing is what the peer may do.
base::Result<Region> register_memory(ibv_pd& domain, base::ByteSpan memory, int access);

// So that reading it does not wait.
base::Result<void> set_non_blocking(int descriptor);

}  // namespace cms::transport::rdma
