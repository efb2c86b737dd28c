// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/verbs.h"

#include <fcntl.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#include "transport/rdma/rdma.h"

namespace cms::transport {

namespace {

// Without rdma-core, which need not be loaded where the kernel knows of no device.
bool kernel_has_devices() {
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/class/infiniband_verbs", none)) {
    if (entry.path().filename().string().starts_with("uverbs")) return true;
  }
  return false;
}

int devices_of_rdma_core() {
  int devices = 0;
  ibv_device** const list = rdma::core().get_device_list(&devices);
  if (list != nullptr) rdma::core().free_device_list(list);
  return devices;
}

}  // namespace

base::Result<void> rdma_available() {
  if (kernel_has_devices()) {
    if (base::Result<void> loaded = rdma::load_rdma_core(); !loaded) return loaded;
  }
  if (!kernel_has_devices() || devices_of_rdma_core() == 0) {
    return base::Error(base::ErrorKind::unsupported,
                       "no RDMA device on this machine: `rdma link` and `ibv_devinfo` show none");
  }
  const rdma::EventChannel events(rdma::core().create_event_channel());
  if (!events) {
    return base::Error(base::ErrorKind::unsupported,
                       "RDMA connections cannot be made: is the kernel module rdma_ucm loaded?");
  }
  return {};
}

}  // namespace cms::transport

namespace cms::transport::rdma {

base::Error verbs_error(std::string_view action) { return base::Error::from_errno(errno, action); }

base::Result<Region> register_memory(ibv_pd& domain, base::ByteSpan memory, int access) {
  Region region(core().reg_mr(&domain, const_cast<std::byte*>(memory.data()), memory.size(), access));
  if (region) return region;
  const int code = errno;
  std::string action = "registering " + std::to_string((memory.size() + 1023) / 1024) + " KiB of memory for RDMA";
  if (code == ENOMEM) action += " (raise the limit of locked memory: ulimit -l, or LimitMEMLOCK= of the service)";
  return base::Error::from_errno(code, action);
}

base::Result<void> set_non_blocking(int descriptor) {
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0 || ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0) return verbs_error("setting a descriptor");
  return {};
}

}  // namespace cms::transport::rdma
