// SPDX-License-Identifier: Apache-2.0
#include "client/connection.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <thread>

#include <gtest/gtest.h>

#include "base/endian.h"

namespace cms::client {
namespace {

using protocol::ApiKey;
using protocol::ApiVersionsResponse;
using protocol::ErrorCode;
using protocol::FrameBuffer;
using protocol::RequestHeader;
using protocol::Version;

// A broker that does what a function says with one connection, on a Unix socket in a directory of its own.
class ScriptedBroker {
 public:
  explicit ScriptedBroker(std::function<void(ScriptedBroker&)> script) {
    char pattern[] = "/tmp/cms-connection-test-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    address_.path = directory_ + "/socket";
    listener_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, address_.path.c_str(), address_.path.size() + 1);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    thread_ = std::thread([this, script = std::move(script)] {
      peer_ = ::accept(listener_, nullptr, nullptr);
      script(*this);
      ::close(peer_);
    });
  }
  ~ScriptedBroker() {
    thread_.join();
    ::close(listener_);
    std::filesystem::remove_all(directory_);
  }

  const Address& address() const { return address_; }

  RequestHeader receive() {
    std::byte length[4];
    EXPECT_EQ(::recv(peer_, length, sizeof length, MSG_WAITALL), 4);
    std::vector<std::byte> frame(static_cast<std::size_t>(base::load_big<std::int32_t>(length)));
    EXPECT_EQ(::recv(peer_, frame.data(), frame.size(), MSG_WAITALL), static_cast<ssize_t>(frame.size()));
    RequestHeader header;
    EXPECT_TRUE(protocol::read_request_header(frame, header));
    return header;
  }

  void send(base::ByteSpan bytes) {
    EXPECT_EQ(::send(peer_, bytes.data(), bytes.size(), MSG_NOSIGNAL), ssize_t(bytes.size()));
  }

  // Waits until the client has closed.
  void receive_end() {
    char byte;
    EXPECT_EQ(::recv(peer_, &byte, 1, 0), 0);
  }

  template <typename Message>
  void answer(Version version, std::int32_t correlation_id, const Message& message) {
    FrameBuffer out;
    protocol::write_response(version, correlation_id, message, out);
    for (const base::ByteSpan part : out.gather()) send(part);
  }

  void answer_versions() {
    const RequestHeader header = receive();
    ApiVersionsResponse versions;
    versions.api_keys = {{ApiKey::metadata, 0, 9}, {ApiKey::fetch, 30, 31}};
    answer(header.api_version, header.correlation_id, versions);
  }

 private:
  std::string directory_;
  Address address_{"", 0, ""};
  int listener_ = -1;
  int peer_ = -1;
  std::thread thread_;
};

TEST(ConnectionTest, BrokerThatKnowsOnlyOlderVersionsIsAskedAgain) {
  Version second = -1;
  ScriptedBroker broker([&](ScriptedBroker& self) {
    const RequestHeader first = self.receive();
    ApiVersionsResponse refusal;
    refusal.error_code = ErrorCode::unsupported_version;
    refusal.api_keys = {{ApiKey::api_versions, 0, 2}};
    self.answer(0, first.correlation_id, refusal);
    const RequestHeader again = self.receive();
    second = again.api_version;
    ApiVersionsResponse versions;
    versions.api_keys = {{ApiKey::metadata, 0, 5}};
    self.answer(again.api_version, again.correlation_id, versions);
  });
  const auto connection = Connection::open(broker.address());
  ASSERT_TRUE(connection) << connection.error().message();
  EXPECT_EQ(second, 2);
  EXPECT_EQ(*connection->version_of(ApiKey::metadata, {0, 13}), 5);
}

TEST(ConnectionTest, VersionsWithoutOverlapAreUnsupported) {
  ScriptedBroker broker([](ScriptedBroker& self) { self.answer_versions(); });
  const auto connection = Connection::open(broker.address());
  ASSERT_TRUE(connection);
  EXPECT_EQ(*connection->version_of(ApiKey::metadata, {0, 13}), 9);
  EXPECT_EQ(connection->version_of(ApiKey::fetch, {4, 18}).error().kind(), ErrorKind::unsupported);
  EXPECT_EQ(connection->version_of(ApiKey::produce, {3, 13}).error().kind(), ErrorKind::unsupported);
}

TEST(ConnectionTest, PipelinedAnswersAreReceivedInOrder) {
  ScriptedBroker broker([](ScriptedBroker& self) {
    self.answer_versions();
    const RequestHeader first = self.receive();
    const RequestHeader second = self.receive();
    protocol::MetadataResponse answer;
    answer.controller_id = 1;
    self.answer(first.api_version, first.correlation_id, answer);
    answer.controller_id = 2;
    self.answer(second.api_version, second.correlation_id, answer);
  });
  auto connection = Connection::open(broker.address());
  ASSERT_TRUE(connection);
  const auto first = connection->send(protocol::MetadataRequest{});
  const auto second = connection->send(protocol::MetadataRequest{});
  ASSERT_TRUE(first && second);
  EXPECT_EQ(connection->receive(*first)->controller_id, 1);
  EXPECT_EQ(connection->receive(*second)->controller_id, 2);
}

TEST(ConnectionTest, AnswerToAnotherRequestIsAnError) {
  ScriptedBroker broker([](ScriptedBroker& self) {
    self.answer_versions();
    const RequestHeader header = self.receive();
    self.answer(header.api_version, header.correlation_id + 1, protocol::MetadataResponse{});
  });
  auto connection = Connection::open(broker.address());
  ASSERT_TRUE(connection);
  const auto answer = connection->call(protocol::MetadataRequest{});
  ASSERT_FALSE(answer);
  EXPECT_TRUE(is_unreachable(answer.error()));
}

TEST(ConnectionTest, PeerThatSpeaksSomethingElseIsNamedAsSuch) {
  ScriptedBroker broker([](ScriptedBroker& self) {
    self.receive();
    self.send(base::as_bytes("HTTP/1.1 400 Bad Request\r\n\r\n"));
  });
  const auto connection = Connection::open(broker.address());
  ASSERT_FALSE(connection);
  EXPECT_NE(connection.error().message().find("no Kafka broker"), std::string::npos) << connection.error().message();
}

TEST(ConnectionTest, PeerThatClosesIsUnreachable) {
  ScriptedBroker broker([](ScriptedBroker& self) { self.receive(); });
  const auto connection = Connection::open(broker.address());
  ASSERT_FALSE(connection);
  EXPECT_TRUE(is_unreachable(connection.error()));
}

TEST(ConnectionTest, SilentPeerIsGivenUpAfterTheTimeout) {
  ScriptedBroker broker([](ScriptedBroker& self) {
    self.receive();
    self.receive_end();
  });
  ConnectionOptions options;
  options.request_timeout = milliseconds(50);
  const auto connection = Connection::open(broker.address(), options);
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().kind(), ErrorKind::busy) << connection.error().message();
}

TEST(ConnectionTest, NobodyListeningSaysWhereAndWhatToDo) {
  Address nowhere{"", 0, "/tmp/cms-connection-test-nobody"};
  const auto connection = Connection::open(nowhere);
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().message(),
            "no broker at unix:/tmp/cms-connection-test-nobody: No such file or directory; is cmsd running?");
  EXPECT_TRUE(is_unreachable(connection.error()));
}

}  // namespace
}  // namespace cms::client
