// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/rdma_core.h"

#include <dlfcn.h>

#include <optional>
#include <string>

#include "base/check.h"

namespace cms::transport::rdma {

namespace {

struct Loaded {
  RdmaCore core{};
  std::optional<std::string> missing;  // a library, or a function of one

  Loaded() {
    // RTLD_LOCAL: a program that links librdmacm itself is not disturbed.
    void* const verbs = ::dlopen("libibverbs.so.1", RTLD_NOW | RTLD_LOCAL);
    void* const connections = verbs == nullptr ? nullptr : ::dlopen("librdmacm.so.1", RTLD_NOW | RTLD_LOCAL);
    if (connections == nullptr) {
      missing = ::dlerror();
      return;
    }
    load_verbs(verbs);
    load_connections(connections);
  }

  void load_verbs(void* library) {
    find(library, "ibv_get_device_list", core.get_device_list);
    find(library, "ibv_free_device_list", core.free_device_list);
    find(library, "ibv_query_device", core.query_device);
    find(library, "ibv_query_port", core.query_port);
    find(library, "ibv_alloc_pd", core.alloc_pd);
    find(library, "ibv_dealloc_pd", core.dealloc_pd);
    find(library, "ibv_reg_mr", core.reg_mr);
    find(library, "ibv_dereg_mr", core.dereg_mr);
    find(library, "ibv_create_comp_channel", core.create_comp_channel);
    find(library, "ibv_destroy_comp_channel", core.destroy_comp_channel);
    find(library, "ibv_create_cq", core.create_cq);
    find(library, "ibv_destroy_cq", core.destroy_cq);
    find(library, "ibv_get_cq_event", core.get_cq_event);
    find(library, "ibv_ack_cq_events", core.ack_cq_events);
    find(library, "ibv_modify_qp", core.modify_qp);
    find(library, "ibv_wc_status_str", core.wc_status_str);
  }

  void load_connections(void* library) {
    find(library, "rdma_create_event_channel", core.create_event_channel);
    find(library, "rdma_destroy_event_channel", core.destroy_event_channel);
    find(library, "rdma_create_id", core.create_id);
    find(library, "rdma_destroy_id", core.destroy_id);
    find(library, "rdma_set_option", core.set_option);
    find(library, "rdma_bind_addr", core.bind_addr);
    find(library, "rdma_listen", core.listen);
    find(library, "rdma_get_src_port", core.get_src_port);
    find(library, "rdma_resolve_addr", core.resolve_addr);
    find(library, "rdma_resolve_route", core.resolve_route);
    find(library, "rdma_create_qp", core.create_qp);
    find(library, "rdma_destroy_qp", core.destroy_qp);
    find(library, "rdma_connect", core.connect);
    find(library, "rdma_accept", core.accept);
    find(library, "rdma_reject", core.reject);
    find(library, "rdma_disconnect", core.disconnect);
    find(library, "rdma_migrate_id", core.migrate_id);
    find(library, "rdma_get_cm_event", core.get_cm_event);
    find(library, "rdma_ack_cm_event", core.ack_cm_event);
    find(library, "rdma_event_str", core.event_str);
  }

  template <typename Function>
  void find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(::dlsym(library, name));
    if (function == nullptr) missing = std::string(name) + " is not in it";
  }
};

const Loaded& loaded() {
  static const Loaded once;
  return once;
}

}  // namespace

base::Result<void> load_rdma_core() {
  if (!loaded().missing) return {};
  return base::Error(base::ErrorKind::unsupported, "rdma-core cannot be loaded (" + *loaded().missing +
                                                       "): install librdmacm1 and ibverbs-providers");
}

const RdmaCore& core() {
  CHECK(!loaded().missing);
  return loaded().core;
}

}  // namespace cms::transport::rdma
