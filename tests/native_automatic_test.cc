// SPDX-License-Identifier: Apache-2.0
// Which kind of channel a client gets that leaves the choice to the library.
#include "tests/native_test.h"

namespace cms::tests {
namespace {

BrokerProcess broker_with_rdma_at(const std::string& endpoint) {
  return BrokerProcess({.settings = {"push.rdma.listen=" + endpoint, "advertised.listeners=PLAINTEXT://127.0.0.1:9092"},
                        .listen = {"0.0.0.0:0"}});
}

// At this address a broker seems to be on another machine: the two ends of a connection have different ones.
cms::Session open_elsewhere(const BrokerProcess& broker) {
  return open_session("127.0.0.2:" + std::to_string(broker.port()), cms::ChannelKind::automatic);
}

void expect_that_records_arrive(const BrokerProcess& broker, cms::Session& session) {
  Wire wire(broker.port());
  create_topic(wire, "greetings");
  Received received;
  cms::Subscriber subscriber = session.subscriber(received.options());
  ASSERT_TRUE(subscriber.subscribe({.topics = "greetings", .start = cms::Start::earliest()}));
  append(wire, "greetings", batch_of("hello"));
  ASSERT_TRUE(poll_until(session, [&] { return !received.records.empty(); }));
  EXPECT_EQ(received.values(), std::vector<std::string>{"hello"});
}

TEST(NativeAutomaticTest, ABrokerOnThisMachineSharesMemory) {
  const BrokerProcess broker;
  const cms::Session session = open_session(broker.address(), cms::ChannelKind::automatic);
  EXPECT_EQ(session.channel(), cms::ChannelKind::shared_memory);
  EXPECT_EQ(session.channel_reason(), "");
}

TEST(NativeAutomaticTest, ABrokerElsewhereWithoutRdmaIsReachedOverTcpAndTheReasonIsTold) {
  const BrokerProcess broker = broker_with_rdma_at("");
  cms::Session session = open_elsewhere(broker);
  EXPECT_EQ(session.channel(), cms::ChannelKind::tcp);
  EXPECT_NE(session.channel_reason().find("there is no RDMA to it: "), std::string::npos) << session.channel_reason();
  expect_that_records_arrive(broker, session);
}

TEST(NativeAutomaticTest, ABrokerElsewhereIsReachedOverRdmaWhereBothHaveIt) {
  if (!has_rdma_devices()) GTEST_SKIP() << "no RDMA devices";
  const BrokerProcess broker = broker_with_rdma_at(std::string(std::getenv("RDMA_VM_ADDR_B")) + ":0");
  cms::Session session = open_elsewhere(broker);
  EXPECT_EQ(session.channel(), cms::ChannelKind::rdma) << session.channel_reason();
  expect_that_records_arrive(broker, session);
}

}  // namespace
}  // namespace cms::tests
