// SPDX-License-Identifier: Apache-2.0
// Figures of a broker's /metrics.
#pragma once

#include <optional>
#include <string>

#include "tests/broker_process.h"

namespace cms::tests {

// A series by its name and labels, as it is printed; nothing when it is not there.
std::optional<double> metric(const BrokerProcess& broker, const std::string& series);

// Waits until it is so; false when it is not in time.
bool becomes(const BrokerProcess& broker, const std::string& series, double value);

}  // namespace cms::tests
