// SPDX-License-Identifier: Apache-2.0
#include <cms/publisher.h>
#include <cms/session.h>
#include <cms/subscriber.h>
#include <cms/version.h>

#include <utility>

#include "client/native/incoming.h"
#include "client/native/link.h"
#include "client/native/outgoing.h"

namespace cms {

std::string_view version() { return "0.1.0"; }

std::string_view to_string(ChannelKind kind) {
  switch (kind) {
    case ChannelKind::automatic:
      return "auto";
    case ChannelKind::tcp:
      return "tcp";
    case ChannelKind::shared_memory:
      return "shm";
    case ChannelKind::rdma:
      return "rdma";
  }
  return "?";
}

std::string_view to_string(Code code) {
  constexpr std::string_view names[] = {"invalid",   "not found", "denied",    "refused", "unsupported", "would block",
                                        "timed out", "expired",   "too large", "lost",    "corrupt"};
  const auto at = static_cast<std::size_t>(code);
  return at < std::size(names) ? names[at] : "?";
}

Session::Session(std::shared_ptr<client::Link> link) : link_(std::move(link)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Session> Session::connect(SessionOptions options) {
  Result<std::shared_ptr<client::Link>> link = client::Link::open(std::move(options));
  if (!link) return link.error();
  return Session(std::move(*link));
}

Publisher Session::publisher() { return publisher({}); }

Publisher Session::publisher(PublisherOptions options) {
  return Publisher(std::make_shared<client::Outgoing>(link_, std::move(options)));
}

Subscriber Session::subscriber(SubscriberOptions options) {
  return Subscriber(std::make_shared<client::Incoming>(link_, std::move(options)));
}

Result<std::size_t> Session::poll(std::chrono::milliseconds timeout) { return link_->poll(timeout); }
int Session::descriptor() { return link_->descriptor(); }
ChannelKind Session::channel() const { return link_->kind(); }
const std::string& Session::channel_reason() const { return link_->reason(); }
bool Session::reads_in_place() const { return link_->reads_in_place(); }
bool Session::lost() const { return link_->lost(); }
std::uint64_t Session::reconnects() const { return link_->reconnects(); }
const Error& Session::last_error() const { return link_->last_error(); }

}  // namespace cms
