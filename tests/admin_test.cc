// SPDX-License-Identifier: Apache-2.0
// The port for operators: metrics and health.
#include <chrono>

#include "tests/broker_test.h"

namespace cms::tests {
namespace {

class AdminTest : public BrokerTest {
 protected:
  static std::string get(const std::string& target, const std::string& method = "GET") {
    Wire wire(broker().admin_port());
    wire.send_bytes(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    std::string answer;
    while (true) {
      const std::vector<std::byte> bytes = wire.receive_some(65536);
      if (bytes.empty()) return answer;
      answer += base::as_text(bytes);
    }
  }
};

TEST_F(AdminTest, HealthAndReadinessAreTold) {
  EXPECT_EQ(get("/healthz").substr(0, 12), "HTTP/1.1 200");
  // The banner comes a moment before the cores serve.
  const auto until = std::chrono::steady_clock::now() + patience;
  std::string readiness = get("/readyz");
  while (readiness.substr(0, 12) == "HTTP/1.1 503" && std::chrono::steady_clock::now() < until)
    readiness = get("/readyz");
  EXPECT_EQ(readiness.substr(0, 12), "HTTP/1.1 200");
}

TEST_F(AdminTest, MetricsCountWhatIsServed) {
  create_topic(wire_, topic());
  append(wire_, topic(), batch_holding({"a", "b", "c"}));
  const std::string metrics = get("/metrics");
  EXPECT_NE(metrics.find("# TYPE cms_produced_records_total counter"), std::string::npos);
  EXPECT_NE(metrics.find("cms_produced_records_total 3"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find("cms_requests_total{api=\"Produce\"} 1"), std::string::npos);
}

TEST_F(AdminTest, WhatIsNotThereOrNotHttpHarmsNobody) {
  EXPECT_EQ(get("/nothing").substr(0, 12), "HTTP/1.1 404");
  const std::string posted = get("/metrics", "POST");
  EXPECT_EQ(posted.substr(0, 10), "HTTP/1.1 4");
  Wire garbage(broker().admin_port());
  garbage.send_bytes(std::string(100'000, '\0'));
  EXPECT_EQ(get("/healthz").substr(0, 12), "HTTP/1.1 200");
}

}  // namespace
}  // namespace cms::tests
