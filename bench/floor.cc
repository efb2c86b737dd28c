// SPDX-License-Identifier: Apache-2.0
// The floor under any Kafka broker's latency: one thread, edge-triggered epoll, no checks, no disk. It answers Produce
// and hands the batch to the fetch that waits for it; a short tail is kept in memory. Measure a broker against it in
// one run:
//
//   bench/floor 19092 &    kafka_latency --a 127.0.0.1:9092 --b 127.0.0.1:19092
#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "bench/wire.h"

namespace cms::bench {
namespace {

constexpr std::size_t tail_batches_max = 4096;
constexpr std::size_t tail_bytes_max = 128 << 20;
constexpr std::size_t frame_bytes_max = 64 << 20;
constexpr std::int32_t partition_count = 4;

struct Batch {
  std::int64_t base_offset;
  std::int64_t next_offset;
  std::string bytes;
};

struct Partition {
  std::int64_t next_offset = 0;
  std::size_t tail_bytes = 0;
  std::deque<Batch> tail;

  void append(ByteSpan batch) {
    constexpr std::size_t record_count_at = 57;
    const auto count = batch.size() < 61 ? 1 : base::load_big<std::int32_t>(batch.data() + record_count_at);
    Batch kept{next_offset, next_offset + count, std::string(base::as_text(batch))};
    if (batch.size() >= sizeof next_offset)
      base::store_big(reinterpret_cast<std::byte*>(kept.bytes.data()), next_offset);  // not covered by the checksum
    tail_bytes += batch.size();
    next_offset += count;
    tail.push_back(std::move(kept));
    while (tail.size() > tail_batches_max || tail_bytes > tail_bytes_max) {
      tail_bytes -= tail.front().bytes.size();
      tail.pop_front();
    }
  }

  // Whole batches from the one that holds `from`, one at least.
  void read(std::int64_t from, std::size_t bytes_max, WireWriter& out) const {
    auto batch = std::partition_point(tail.begin(), tail.end(), [&](const Batch& b) { return b.next_offset <= from; });
    std::size_t taken = 0;
    for (; batch != tail.end() && (taken == 0 || taken + batch->bytes.size() <= bytes_max); ++batch) {
      out.raw(batch->bytes);
      taken += batch->bytes.size();
    }
  }
};

struct Connection {
  int descriptor;
  std::vector<std::byte> input = std::vector<std::byte>(256 << 10);
  std::size_t received = 0;
  std::string output;
  std::size_t sent = 0;

  explicit Connection(int socket) : descriptor(socket) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ::close(descriptor); }

  void flush() {
    while (sent < output.size()) {
      const ssize_t count = ::send(descriptor, output.data() + sent, output.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return;
      sent += static_cast<std::size_t>(count);
    }
    output.clear();
    sent = 0;
  }
  void answer(WireWriter& response) {
    if (output.empty()) {
      output = response.finish();
    } else {
      output += response.finish();
    }
  }
};

struct Wanted {
  std::string topic;
  std::int32_t partition;
  std::int64_t offset;
  std::int32_t bytes_max;
};

struct ParkedFetch {
  Connection* connection;
  std::int32_t correlation_id;
  std::vector<Wanted> wanted;
};

class Floor {
 public:
  explicit Floor(std::uint16_t port) : port_(port) {}

  void handle(Connection& connection, ByteSpan frame) {
    WireReader in(frame);
    const auto api = in.number<std::int16_t>();
    const auto version = in.number<std::int16_t>();
    WireWriter out;
    const auto correlation_id = in.number<std::int32_t>();
    out.number(correlation_id);
    in.string();  // client id
    switch (api) {
      case Api::produce:
        return produce(connection, in, out, version);
      case Api::fetch:
        return fetch(connection, in, correlation_id);
      case Api::list_offsets:
        list_offsets(in, out);
        break;
      case Api::metadata:
        metadata(in, out);
        break;
      case Api::api_versions:
        api_versions(out, version);
        break;
      case Api::create_topics:
        create_topics(in, out);
        break;
      case Api::delete_topics:
        delete_topics(in, out);
        break;
      default:
        return;
    }
    connection.answer(out);
  }

  void forget(const Connection& connection) {
    std::erase_if(parked_, [&](const ParkedFetch& fetch) { return fetch.connection == &connection; });
  }

 private:
  void produce(Connection& connection, WireReader& in, WireWriter& out, std::int16_t version) {
    in.string();  // transactional id
    const auto acks = in.number<std::int16_t>();
    in.number<std::int32_t>();
    const auto topics = in.number<std::int32_t>();
    out.number(topics);
    for (std::int32_t i = 0; i < topics && in.ok(); ++i) {
      const std::string_view topic = in.string();
      out.string(topic);
      const auto partitions = in.number<std::int32_t>();
      out.number(partitions);
      for (std::int32_t k = 0; k < partitions && in.ok(); ++k) {
        const auto index = in.number<std::int32_t>();
        Partition& partition = at(topic, index);
        out.number(index).number(std::int16_t{0}).number(partition.next_offset).number(std::int64_t{-1});
        if (version >= 5) out.number(std::int64_t{0});
        partition.append(in.bytes());
      }
    }
    out.number(std::int32_t{0});
    if (acks != 0) connection.answer(out);
    wake();
  }

  void fetch(Connection& connection, WireReader& in, std::int32_t correlation_id) {
    in.number<std::int32_t>();  // replica, wait and bytes: a parked fetch waits for as long as it takes
    in.number<std::int32_t>();
    in.number<std::int32_t>();
    in.number<std::int32_t>();
    in.number<std::int8_t>();
    ParkedFetch fetch{&connection, correlation_id, {}};
    const auto topics = in.number<std::int32_t>();
    for (std::int32_t i = 0; i < topics && in.ok(); ++i) {
      const std::string_view topic = in.string();
      const auto partitions = in.number<std::int32_t>();
      for (std::int32_t k = 0; k < partitions && in.ok(); ++k) {
        const auto index = in.number<std::int32_t>();
        const auto offset = in.number<std::int64_t>();
        fetch.wanted.push_back({std::string(topic), index, offset, in.number<std::int32_t>()});
      }
    }
    if (!complete(fetch)) parked_.push_back(std::move(fetch));
  }

  bool complete(const ParkedFetch& fetch) {
    bool any = false;
    for (const Wanted& one : fetch.wanted) any |= at(one.topic, one.partition).next_offset > one.offset;
    if (!any) return false;
    WireWriter out;
    out.number(fetch.correlation_id).number(std::int32_t{0}).number(static_cast<std::int32_t>(fetch.wanted.size()));
    for (const Wanted& one : fetch.wanted) {
      const Partition& partition = at(one.topic, one.partition);
      out.string(one.topic).number(std::int32_t{1}).number(one.partition).number(std::int16_t{0});
      out.number(partition.next_offset).number(partition.next_offset).number(std::int32_t{-1});
      const std::size_t length_at = out.size();
      out.number(std::int32_t{0});
      partition.read(one.offset, static_cast<std::size_t>(one.bytes_max), out);
      out.set_int32(length_at, static_cast<std::int32_t>(out.size() - length_at - sizeof(std::int32_t)));
    }
    fetch.connection->answer(out);
    return true;
  }

  // Answers the fetches that can be answered now, each on its own connection.
  void wake() {
    std::erase_if(parked_, [&](const ParkedFetch& fetch) {
      if (!complete(fetch)) return false;
      fetch.connection->flush();
      return true;
    });
  }

  void list_offsets(WireReader& in, WireWriter& out) {
    in.number<std::int32_t>();
    const auto topics = in.number<std::int32_t>();
    out.number(topics);
    for (std::int32_t i = 0; i < topics && in.ok(); ++i) {
      const std::string_view topic = in.string();
      out.string(topic);
      const auto partitions = in.number<std::int32_t>();
      out.number(partitions);
      for (std::int32_t k = 0; k < partitions && in.ok(); ++k) {
        const auto index = in.number<std::int32_t>();
        const bool earliest = in.number<std::int64_t>() == -2;
        const Partition& partition = at(topic, index);
        const std::int64_t first = partition.tail.empty() ? partition.next_offset : partition.tail.front().base_offset;
        out.number(index).number(std::int16_t{0}).number(std::int64_t{-1});
        out.number(earliest ? first : partition.next_offset);
      }
    }
  }

  void metadata(WireReader& in, WireWriter& out) const {
    out.number(std::int32_t{1}).number(std::int32_t{0}).string("127.0.0.1").number(std::int32_t{port_});
    out.number(std::int16_t{-1}).number(std::int32_t{0});  // rack, controller
    const std::int32_t topics = std::max(in.number<std::int32_t>(), 0);
    out.number(topics);
    for (std::int32_t i = 0; i < topics && in.ok(); ++i) {
      out.number(std::int16_t{0}).string(in.string()).number(std::int8_t{0}).number(partition_count);
      for (std::int32_t partition = 0; partition < partition_count; ++partition) {
        out.number(std::int16_t{0}).number(partition).number(std::int32_t{0});
        out.number(std::int32_t{1}).number(std::int32_t{0}).number(std::int32_t{1}).number(std::int32_t{0});
      }
    }
  }

  // librdkafka ties features to old versions it never sends (Produce 0, FindCoordinator 0), so they are listed.
  static void api_versions(WireWriter& out, std::int16_t version) {
    constexpr std::int16_t listed[][3] = {{Api::produce, 0, 7},          {Api::fetch, 0, 4},
                                          {Api::list_offsets, 1, 1},     {Api::metadata, 0, 1},
                                          {Api::find_coordinator, 0, 0}, {Api::api_versions, 0, 0},
                                          {Api::create_topics, 2, 2},    {Api::delete_topics, 1, 1}};
    out.number(std::int16_t{static_cast<std::int16_t>(version > 0 ? 35 : 0)});
    out.number(static_cast<std::int32_t>(std::size(listed)));
    for (const auto& api : listed) out.number(api[0]).number(api[1]).number(api[2]);
  }

  static void create_topics(WireReader& in, WireWriter& out) {
    out.number(std::int32_t{0}).number(std::int32_t{1});
    in.number<std::int32_t>();
    out.string(in.string()).number(std::int16_t{0}).number(std::int16_t{-1});
  }

  void delete_topics(WireReader& in, WireWriter& out) {
    in.number<std::int32_t>();
    const std::string topic(in.string());
    topics_.erase(topic);
    out.number(std::int32_t{0}).number(std::int32_t{1}).string(topic).number(std::int16_t{0});
  }

  Partition& at(std::string_view topic, std::int32_t partition) {
    auto found = topics_.find(topic);
    if (found == topics_.end()) found = topics_.emplace(std::string(topic), PartitionMap{}).first;
    return found->second[partition];
  }

  using PartitionMap = std::map<std::int32_t, Partition>;

  const std::uint16_t port_;
  std::map<std::string, PartitionMap, std::less<>> topics_;
  std::vector<ParkedFetch> parked_;
};

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

int listen_on(std::uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) die("bind");
  if (::listen(listener, 128) < 0) die("listen");
  return listener;
}

void watch(int epoll, int descriptor, std::uint32_t events, void* what) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = what;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) < 0) die("epoll_ctl");
}

void accept_one(int epoll, int listener) {
  const int descriptor = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor < 0) return;
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  watch(epoll, descriptor, EPOLLIN | EPOLLOUT | EPOLLET, new Connection(descriptor));
}

// Handles the whole frames received; false when the peer speaks something else.
bool handle_frames(Floor& floor, Connection& connection) {
  constexpr std::size_t length_size = sizeof(std::int32_t);
  std::size_t begin = 0;
  while (connection.received - begin >= length_size) {
    const std::size_t size = base::load_big<std::uint32_t>(&connection.input[begin]);
    if (size > frame_bytes_max) return false;
    if (connection.received - begin < length_size + size) {
      if (connection.input.size() < length_size + size) connection.input.resize(length_size + size);
      break;
    }
    floor.handle(connection, ByteSpan(&connection.input[begin + length_size], size));
    begin += length_size + size;
  }
  if (begin > 0) {
    std::memmove(connection.input.data(), &connection.input[begin], connection.received - begin);
    connection.received -= begin;
  }
  connection.flush();
  return true;
}

// Reads until there is no more; false when the connection is over.
bool serve(Floor& floor, Connection& connection) {
  connection.flush();
  for (;;) {
    const std::size_t room = connection.input.size() - connection.received;
    const ssize_t count = ::recv(connection.descriptor, &connection.input[connection.received], room, 0);
    if (count == 0 || (count < 0 && errno != EAGAIN)) return false;
    if (count < 0) return true;
    connection.received += static_cast<std::size_t>(count);
    if (!handle_frames(floor, connection)) return false;
  }
}

int run(std::uint16_t port) {
  // Large answers come from the heap and it is kept: giving pages back and faulting them in again would be the floor.
  ::mallopt(M_MMAP_THRESHOLD, 256 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  const int listener = listen_on(port);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, listener, EPOLLIN, nullptr);
  Floor floor(port);
  epoll_event events[64];
  for (;;) {
    const int ready = ::epoll_wait(epoll, events, std::size(events), -1);
    for (int i = 0; i < ready; ++i) {
      auto* connection = static_cast<Connection*>(events[i].data.ptr);
      if (connection == nullptr) {
        accept_one(epoll, listener);
      } else if (!serve(floor, *connection)) {
        floor.forget(*connection);
        delete connection;  // closing takes it out of the epoll set
      }
    }
  }
}

}  // namespace
}  // namespace cms::bench

int main(int argc, char** argv) {
  const long port = argc == 2 ? std::strtol(argv[1], nullptr, 10) : 0;
  if (port < 1 || port > 65535) {
    std::fprintf(stderr, "usage: floor PORT\n");
    return 2;
  }
  return cms::bench::run(static_cast<std::uint16_t>(port));
}
