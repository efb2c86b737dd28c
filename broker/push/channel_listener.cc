// SPDX-License-Identifier: Apache-2.0
#include "broker/push/channel_listener.h"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/log.h"
#include "broker/push/session.h"
#include "transport/pass_descriptors.h"
#include "transport/shared_memory_channel.h"

namespace cms::broker::push {

namespace {

constexpr std::chrono::seconds token_time_max{1};
constexpr std::size_t path_bytes_max = sizeof(sockaddr_un::sun_path) - 1;

struct Place {
  std::string path;
  std::string made_directory;
};

base::Result<Place> find_place(const std::string& data_directory) {
  std::error_code error;
  const std::string path = std::filesystem::absolute(data_directory, error).string() + "/channels.sock";
  if (!error && path.size() <= path_bytes_max) return Place{path, {}};
  const std::string of_user = "/run/user/" + std::to_string(::getuid());
  std::string directory = (::access(of_user.c_str(), W_OK) == 0 ? of_user : "/tmp") + "/cms-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) return base::Error::from_errno(errno, "making " + directory);
  return Place{directory + "/channels.sock", directory};
}

}  // namespace

// One client that has connected and not shown its token yet.
class ChannelListener::Handshake final : public std::enable_shared_from_this<Handshake> {
 public:
  Handshake(ChannelListener& listener, Socket socket)
      : listener_(listener),
        socket_(std::make_shared<Socket>(std::move(socket))),
        under_way_(listener.handshakes_),
        timer_(socket_->get_executor()) {
    ++*under_way_;
  }
  ~Handshake() { --*under_way_; }

  void start() {
    timer_.expires_after(token_time_max);
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      boost::system::error_code ignored;
      if (!error) self->socket_->close(ignored);
    });
    boost::asio::async_read(*socket_, boost::asio::buffer(token_.bytes),
                            [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
                              self->timer_.cancel();
                              if (!error) self->listener_.show(self->socket_, self->token_);
                            });
  }

 private:
  ChannelListener& listener_;
  const std::shared_ptr<Socket> socket_;
  const std::shared_ptr<int> under_way_;  // outlives the listener where the loop does
  boost::asio::steady_timer timer_;
  base::Uuid token_;
};

base::Result<std::unique_ptr<ChannelListener>> ChannelListener::listen(
    Core& core, const std::string& data_directory, std::function<void(std::function<void()>)> run_on_worker) {
  auto place = find_place(data_directory);
  if (!place) return place.error();
  auto listener = std::unique_ptr<ChannelListener>(
      new ChannelListener(core, place->path, place->made_directory, std::move(run_on_worker)));
  // Of a broker that was killed: the data directory is ours alone.
  ::unlink(place->path.c_str());
  boost::system::error_code error;
  const auto doing = [&](std::string_view what) {
    return base::Error(base::ErrorKind::io, std::string(what) + " " + place->path + ": " + error.message());
  };
  listener->acceptor_.open({}, error);
  if (!error) listener->acceptor_.bind({place->path}, error);
  if (!error) listener->acceptor_.listen(boost::asio::socket_base::max_listen_connections, error);
  if (error) return doing("listening on");
  ::chmod(place->path.c_str(), 0666);  // the token decides
  return listener;
}

ChannelListener::ChannelListener(Core& core, std::string path, std::string made_directory,
                                 std::function<void(std::function<void()>)> run_on_worker)
    : core_(core),
      path_(std::move(path)),
      made_directory_(std::move(made_directory)),
      run_on_worker_(std::move(run_on_worker)),
      acceptor_(core.loop()) {}

ChannelListener::~ChannelListener() {
  ::unlink(path_.c_str());
  if (!made_directory_.empty()) ::rmdir(made_directory_.c_str());
}

void ChannelListener::stop() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
}

void ChannelListener::accept() {
  acceptor_.async_accept([this](const boost::system::error_code& error, Socket socket) {
    if (error == boost::asio::error::operation_aborted || !acceptor_.is_open()) return;
    if (!error && *handshakes_ < handshakes_max) std::make_shared<Handshake>(*this, std::move(socket))->start();
    accept();
  });
}

base::Result<Meeting> ChannelListener::expect(const std::shared_ptr<Session>& session, std::size_t ring_bytes) {
  const auto token = expected_.expect(session, ring_bytes);
  if (!token) return token.error();
  return Meeting{path_, *token};
}

// A token that nobody expects, or not any more, gets nothing: the socket closes.
void ChannelListener::show(const std::shared_ptr<Socket>& socket, const base::Uuid& token) {
  const auto ring_bytes = expected_.admit(token);
  if (!ring_bytes) return;
  auto session = expected_.take(token);
  const auto who = transport::peer_credentials(socket->native_handle());
  if (!who || session == nullptr) return;
  base::log_debug("rings fetched", "user", who->user, "process", who->process, "bytes", *ring_bytes);
  run_on_worker_([socket, session = std::move(session), ring_bytes = *ring_bytes]() mutable {
    auto channel = transport::SharedMemoryChannel::create(ring_bytes);
    base::Result<void> sent;
    if (channel) {
      const std::byte greeting[1] = {};
      sent = transport::send_descriptors(socket->native_handle(), greeting, (*channel)->descriptors());
      (*channel)->let_go_of_client_end();
    }
    if (!channel || !sent) {
      base::log_warning("a channel over shared memory cannot be made", "why",
                        channel ? sent.error().message() : channel.error().message());
      return;
    }
    hand_over(std::move(session), std::move(*channel));
  });
}

}  // namespace cms::broker::push
