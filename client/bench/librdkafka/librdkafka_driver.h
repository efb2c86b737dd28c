// SPDX-License-Identifier: Apache-2.0
// librdkafka as programs use it: what most of a broker's users see, their client's own threads and batching included.
#pragma once

#include <memory>

#include "client/bench/driver.h"

namespace cms::client::bench {

// An error where this program was built without librdkafka.
Result<std::unique_ptr<Driver>> make_librdkafka_driver(DriverOptions options);

}  // namespace cms::client::bench
