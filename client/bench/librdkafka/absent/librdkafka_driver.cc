// SPDX-License-Identifier: Apache-2.0
#include "client/bench/librdkafka/librdkafka_driver.h"

namespace cms::client::bench {

Result<std::unique_ptr<Driver>> make_librdkafka_driver(DriverOptions) {
  return base::Error(base::ErrorKind::unsupported,
                     "this program was built without librdkafka (librdkafka-dev); --driver kafka is always there");
}

}  // namespace cms::client::bench
