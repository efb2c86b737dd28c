// SPDX-License-Identifier: Apache-2.0
// Sessions that wait for their channel, by the one-time token their clients show to get it. Bounded by
// push.channels.max, as each belongs to a session. Any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "base/result.h"
#include "base/uuid.h"
#include "transport/channel.h"

namespace cms::broker::push {

class Session;

class ExpectedSessions {
 public:
  // Its token, 16 random bytes of the system's. Error: io.
  base::Result<base::Uuid> expect(const std::shared_ptr<Session>& session, std::size_t ring_bytes);

  // The token is worth nothing any more.
  void forget(const base::Uuid& token);

  // The token is shown: the size of the rings that go with it, the first time only. Nothing for one that is not
  // expected, or not any more.
  std::optional<std::size_t> admit(const base::Uuid& token);

  // Who waits for the channel, and is not waited for any more. Null when the session has ended.
  std::shared_ptr<Session> take(const base::Uuid& token);

 private:
  struct Expected {
    std::weak_ptr<Session> session;
    std::size_t ring_bytes = 0;
    bool is_admitted = false;
  };

  std::mutex mutex_;
  std::unordered_map<base::Uuid, Expected> expected_;  // mutex_
};

// Gives a session its channel, on the session's core, in a turn of its own. Any thread.
void hand_over(std::shared_ptr<Session> session, std::unique_ptr<transport::Channel> channel);

}  // namespace cms::broker::push
