// SPDX-License-Identifier: Apache-2.0
// The coordinator's options out of the broker's.
#pragma once

#include "broker/config/options.h"
#include "coordinator/options.h"

namespace cms::broker {

coordinator::Options group_options(const Options& options);

}  // namespace cms::broker
