// SPDX-License-Identifier: Apache-2.0
// rdma-core, which is libibverbs and librdmacm, loaded when it is first asked for: a broker without a device is smaller
// by the memory of four libraries, and the programs run where rdma-core is not installed.
#pragma once

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#include "base/result.h"

namespace cms::transport::rdma {

// The functions that are used and not inline in their headers, under their names without ibv_ and rdma_.
struct RdmaCore {
  decltype(&::ibv_get_device_list) get_device_list;
  decltype(&::ibv_free_device_list) free_device_list;
  decltype(&::ibv_query_device) query_device;
  decltype(&::ibv_query_port) query_port;
  decltype(&::ibv_alloc_pd) alloc_pd;
  decltype(&::ibv_dealloc_pd) dealloc_pd;
  decltype(&::ibv_reg_mr) reg_mr;
  decltype(&::ibv_dereg_mr) dereg_mr;
  decltype(&::ibv_create_comp_channel) create_comp_channel;
  decltype(&::ibv_destroy_comp_channel) destroy_comp_channel;
  decltype(&::ibv_create_cq) create_cq;
  decltype(&::ibv_destroy_cq) destroy_cq;
  decltype(&::ibv_get_cq_event) get_cq_event;
  decltype(&::ibv_ack_cq_events) ack_cq_events;
  decltype(&::ibv_modify_qp) modify_qp;
  decltype(&::ibv_wc_status_str) wc_status_str;

  decltype(&::rdma_create_event_channel) create_event_channel;
  decltype(&::rdma_destroy_event_channel) destroy_event_channel;
  decltype(&::rdma_create_id) create_id;
  decltype(&::rdma_destroy_id) destroy_id;
  decltype(&::rdma_set_option) set_option;
  decltype(&::rdma_bind_addr) bind_addr;
  decltype(&::rdma_listen) listen;
  decltype(&::rdma_get_src_port) get_src_port;
  decltype(&::rdma_resolve_addr) resolve_addr;
  decltype(&::rdma_resolve_route) resolve_route;
  decltype(&::rdma_create_qp) create_qp;
  decltype(&::rdma_destroy_qp) destroy_qp;
  decltype(&::rdma_connect) connect;
  decltype(&::rdma_accept) accept;
  decltype(&::rdma_reject) reject;
  decltype(&::rdma_disconnect) disconnect;
  decltype(&::rdma_migrate_id) migrate_id;
  decltype(&::rdma_get_cm_event) get_cm_event;
  decltype(&::rdma_ack_cm_event) ack_cm_event;
  decltype(&::rdma_event_str) event_str;
};

// Loads it, once and for good; any thread. Error: unsupported, with what to install.
base::Result<void> load_rdma_core();

// After load_rdma_core() has succeeded: nothing here is used but behind rdma_available(), which
// loads it.
const RdmaCore& core();

}  // namespace cms::transport::rdma
