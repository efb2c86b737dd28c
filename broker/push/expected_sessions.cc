// SPDX-License-Identifier: Apache-2.0
#include "broker/push/expected_sessions.h"

#include <sys/random.h>

#include <cerrno>
#include <utility>

#include <boost/asio/post.hpp>

#include "broker/push/session.h"

namespace cms::broker::push {

namespace {

// Not from base::Random, which is not for secrets.
base::Result<base::Uuid> new_token() {
  base::Uuid token;
  while (token.is_zero()) {
    if (::getrandom(token.bytes.data(), token.bytes.size(), 0) != static_cast<ssize_t>(token.bytes.size())) {
      return base::Error::from_errno(errno, "asking the system for random bytes");
    }
  }
  return token;
}

}  // namespace

base::Result<base::Uuid> ExpectedSessions::expect(const std::shared_ptr<Session>& session, std::size_t ring_bytes) {
  auto token = new_token();
  if (!token) return token;
  const std::lock_guard lock(mutex_);
  expected_[*token] = {session, ring_bytes, false};
  return token;
}

void ExpectedSessions::forget(const base::Uuid& token) {
  const std::lock_guard lock(mutex_);
  expected_.erase(token);
}

std::optional<std::size_t> ExpectedSessions::admit(const base::Uuid& token) {
  const std::lock_guard lock(mutex_);
  const auto found = expected_.find(token);
  if (found == expected_.end() || std::exchange(found->second.is_admitted, true)) return std::nullopt;
  return found->second.ring_bytes;
}

std::shared_ptr<Session> ExpectedSessions::take(const base::Uuid& token) {
  const std::lock_guard lock(mutex_);
  const auto found = expected_.find(token);
  if (found == expected_.end()) return nullptr;
  auto session = found->second.session.lock();
  expected_.erase(found);
  return session;
}

void hand_over(std::shared_ptr<Session> session, std::unique_ptr<transport::Channel> channel) {
  Core& core = session->core();
  boost::asio::post(core.loop(), [session = std::move(session), made = std::move(channel)]() mutable {
    Core& owner = session->core();
    session->set_channel(std::move(made));
    owner.end_of_turn();
  });
}

}  // namespace cms::broker::push
