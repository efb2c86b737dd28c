// SPDX-License-Identifier: Apache-2.0
#include "tests/metrics.h"

#include <unistd.h>

#include <chrono>

#include "tests/wire.h"

namespace cms::tests {

std::optional<double> metric(const BrokerProcess& broker, const std::string& series) {
  Wire wire(broker.admin_port());
  wire.send_bytes("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::string text;
  while (true) {
    const auto some = wire.receive_some(65'536);
    if (some.empty()) break;
    text += base::as_text(some);
  }
  const std::size_t at = text.find("\n" + series + " ");
  if (at == std::string::npos) return std::nullopt;
  return std::stod(text.substr(at + series.size() + 2));
}

bool becomes(const BrokerProcess& broker, const std::string& series, double value) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < deadline) {
    if (metric(broker, series) == value) return true;
    ::usleep(20'000);
  }
  return false;
}

}  // namespace cms::tests
