// SPDX-License-Identifier: Apache-2.0
#include "transport/pass_descriptors.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

namespace cms::transport {
namespace {

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

struct PassDescriptorsTest : testing::Test {
  Descriptor ours, theirs;
  std::array<std::byte, 64> payload{};

  PassDescriptorsTest() {
    int sockets[2];
    CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets) == 0);
    ours = Descriptor(sockets[0]);
    theirs = Descriptor(sockets[1]);
  }
  base::Result<void> send(std::size_t count) {
    const std::vector<int> descriptors(count, ours.get());
    return send_descriptors(ours.get(), base::as_bytes("here"), descriptors);
  }
};

TEST_F(PassDescriptorsTest, TheReceiverGetsTheSameFileAndTheBytes) {
  ASSERT_TRUE(send(3).ok());
  auto passed = receive_descriptors(theirs.get(), payload, 3);
  ASSERT_TRUE(passed.ok()) << passed.error().message();
  EXPECT_EQ(base::as_text(base::ByteSpan(payload).first(passed->payload_bytes)), "here");
  struct stat sent {
  }, got{};
  ASSERT_EQ(::fstat(ours.get(), &sent), 0);
  for (const Descriptor& each : passed->descriptors) {
    ASSERT_EQ(::fstat(each.get(), &got), 0);
    EXPECT_EQ(got.st_ino, sent.st_ino);
    EXPECT_NE(::fcntl(each.get(), F_GETFD) & FD_CLOEXEC, 0);
  }
}

TEST_F(PassDescriptorsTest, NothingThereIsBusy) {
  EXPECT_EQ(receive_descriptors(theirs.get(), payload, 1).error().kind(), base::ErrorKind::busy);
}

TEST_F(PassDescriptorsTest, APeerThatHasGoneIsClosed) {
  ours.close();
  EXPECT_EQ(receive_descriptors(theirs.get(), payload, 1).error().kind(), base::ErrorKind::closed);
  const int one[] = {theirs.get()};
  EXPECT_EQ(send_descriptors(theirs.get(), base::as_bytes("x"), one).error().kind(), base::ErrorKind::closed);
}

TEST_F(PassDescriptorsTest, AnotherNumberThanExpectedIsRefusedAndClosed) {
  const std::size_t before = open_descriptors();
  for (const auto& [sent, expected] : {std::pair(1, 2), {3, 2}, {1, 0}, {16, 1}}) {
    ASSERT_TRUE(send(static_cast<std::size_t>(sent)).ok());
    const auto passed = receive_descriptors(theirs.get(), payload, static_cast<std::size_t>(expected));
    ASSERT_FALSE(passed.ok());
    EXPECT_EQ(passed.error().kind(), base::ErrorKind::invalid);
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(PassDescriptorsTest, MoreThanFitAreRefusedAndClosed) {
  const std::size_t before = open_descriptors();
  // Past our own bound, so by hand.
  std::vector<int> many(64, ours.get());
  std::vector<std::byte> control(CMSG_SPACE(many.size() * sizeof(int)));
  char byte = 'x';
  iovec bytes{&byte, 1};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(many.size() * sizeof(int));
  std::memcpy(CMSG_DATA(part), many.data(), many.size() * sizeof(int));
  ASSERT_EQ(::sendmsg(ours.get(), &message, 0), 1);
  EXPECT_EQ(receive_descriptors(theirs.get(), payload, 2).error().kind(), base::ErrorKind::invalid);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(PassDescriptorsTest, BytesAloneAreRefused) {
  ASSERT_EQ(::send(ours.get(), "x", 1, 0), 1);
  EXPECT_EQ(receive_descriptors(theirs.get(), payload, 1).error().kind(), base::ErrorKind::invalid);
}

TEST_F(PassDescriptorsTest, AFullSocketIsBusyAndNothingIsSent) {
  std::size_t sent = 0;
  base::Result<void> result;
  while ((result = send(1)).ok()) ++sent;
  EXPECT_EQ(result.error().kind(), base::ErrorKind::busy);
  std::array<std::byte, 4> exactly{};
  for (; sent > 0; --sent) ASSERT_TRUE(receive_descriptors(theirs.get(), exactly, 1).ok());
  EXPECT_EQ(receive_descriptors(theirs.get(), exactly, 1).error().kind(), base::ErrorKind::busy);
}

TEST_F(PassDescriptorsTest, ThePeerIsKnown) {
  const auto peer = peer_credentials(theirs.get());
  ASSERT_TRUE(peer.ok());
  EXPECT_EQ(peer->process, ::getpid());
  EXPECT_EQ(peer->user, ::getuid());
  EXPECT_FALSE(peer_credentials(-1).ok());
}

}  // namespace
}  // namespace cms::transport
