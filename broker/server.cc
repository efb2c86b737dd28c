// SPDX-License-Identifier: Apache-2.0
#include "broker/server.h"

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <latch>

#include "base/log.h"
#include "base/random.h"
#include "broker/admin/http_server.h"
#include "broker/groups/group_configs.h"
#include "broker/groups/group_coordinator.h"
#include "broker/handlers/dispatcher.h"
#include "broker/handlers/producers.h"
#include "broker/metadata/local_store.h"
#include "broker/push/channel_listener.h"
#include "broker/push/push_core.h"
#include "broker/push/rdma_meeting.h"
#include "broker/telemetry/client_instances.h"
#include "broker/topics/cleaner.h"
#include "broker/topics/stored_logs.h"
#include "storage/arena.h"
#include "storage/file_system.h"
#include "storage/make_io_queue.h"
#include "storage/open_files.h"

namespace cms::broker {

namespace {

constexpr std::size_t worker_threads = 3;
constexpr auto house_keeping_interval = std::chrono::seconds(1);

// Descriptors are for connections, segments and chunks; the soft limit is often far below what the system allows.
std::size_t raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<std::size_t>(limit.rlim_cur);
}

}  // namespace

struct Server::Parts {
  explicit Parts(const Options& options)
      : random(base::Random::system_seed()),
        descriptors(raise_descriptor_limit()),
        arena({.budget_bytes = static_cast<std::uint64_t>(options.log_memory_bytes)}),
        open_files(disk, std::clamp<std::size_t>(descriptors / 4, 16, 4096)),
        connections_max(static_cast<std::size_t>(options.max_connections)),
        receive_budget(static_cast<std::size_t>(options.buffered_bytes_max)),
        fetch_sessions(clock, {.sessions = static_cast<std::size_t>(options.fetch_session_slots)}, random.next()),
        workers(std::make_unique<Workers>(worker_threads)) {}

  base::SystemClock clock;
  base::Random random;
  base::Registry metrics;
  storage::FileSystem disk;
  const std::size_t descriptors;
  storage::Arena arena;
  storage::OpenFiles open_files;
  std::atomic<std::size_t> connections_max;
  ReceiveBudget receive_budget;

  std::unique_ptr<storage::File> data_lock;
  std::unique_ptr<LocalStore> store;
  std::unique_ptr<Metadata> metadata;
  std::unique_ptr<StoredLogs> logs;
  std::unique_ptr<ProducerIds> producer_ids;
  std::unique_ptr<Topics> topics;
  FetchSessions fetch_sessions;  // they watch partitions
  std::unique_ptr<Cleaner> cleaner;
  std::unique_ptr<GroupConfigs> group_configs;
  std::unique_ptr<Subscriptions> subscriptions;
  std::unique_ptr<ClientInstances> client_instances;
  std::unique_ptr<GroupCoordinator> groups;
  std::unique_ptr<Services> services;
  std::unique_ptr<RequestMetrics> request_metrics;
  std::unique_ptr<ConnectionSettings> connections;

  std::unique_ptr<push::PushLimits> push_limits;
  std::unique_ptr<push::PushMetrics> push_metrics;
  push::StageStamps stage_stamps;

  std::vector<std::unique_ptr<Core>> cores;
  std::unique_ptr<push::ChannelListener> channel_listener;
  std::shared_ptr<push::RdmaMeeting> rdma_meeting;
  std::vector<std::shared_ptr<push::PushCore>> push_cores;  // by core
  std::vector<std::unique_ptr<Dispatcher>> dispatchers;     // by core
  std::vector<std::unique_ptr<Acceptor>> acceptors;
  std::unique_ptr<HttpServer> admin;
  std::vector<std::thread> threads;

  // Last, so that work under way ends before what it uses.
  std::unique_ptr<Workers> workers;
};

base::Result<std::unique_ptr<Server>> Server::open(Options options) {
  auto server = std::unique_ptr<Server>(new Server(std::move(options)));
  if (const auto opened = server->open_data(); !opened) return opened.error();
  if (const auto opened = server->open_cores(); !opened) return opened.error();
  if (const auto opened = server->open_listeners(); !opened) return opened.error();
  if (const auto opened = server->open_admin(); !opened) return opened.error();
  return server;
}

Server::Server(Options options) : options_(std::move(options)), parts_(std::make_unique<Parts>(options_)) {}

Server::~Server() = default;

base::Result<void> Server::open_data() {
  Parts& p = *parts_;
  const std::string& directory = options_.data_directory;
  if (const auto made = p.disk.make_directories(directory); !made) {
    return made.error().while_doing("making the data directory (choose another with --data DIR)");
  }
  auto lock = p.disk.lock(directory + "/lock");
  if (!lock) {
    return lock.error().while_doing("the data directory " + directory +
                                    " cannot be taken (one broker at a time; choose another with --data DIR)");
  }
  p.data_lock = std::move(*lock);
  auto store = LocalStore::open(p.disk, p.clock, directory + "/metadata");
  if (!store) return store.error();
  p.store = std::move(*store);
  if (!p.store->recovery_note().empty()) base::log_warning("metadata recovered", "what", p.store->recovery_note());
  auto metadata = Metadata::open(*p.store, options_.node_id, p.random);
  if (!metadata) return metadata.error();
  p.metadata = std::move(*metadata);
  auto group_configs = GroupConfigs::open(*p.store);
  if (!group_configs) return group_configs.error();
  p.group_configs = std::move(*group_configs);
  auto subscriptions = Subscriptions::open(*p.store);
  if (!subscriptions) return subscriptions.error();
  p.subscriptions = std::move(*subscriptions);
  p.client_instances = std::make_unique<ClientInstances>(
      p.clock, *p.subscriptions, static_cast<std::size_t>(options_.telemetry_bytes_max), p.metrics, p.random.next());
  p.logs = std::make_unique<StoredLogs>(
      p.disk, p.arena, p.open_files, p.clock,
      StoredLogs::Settings{directory + "/topics", static_cast<std::uint64_t>(options_.partition_tail_bytes)});
  p.producer_ids = std::make_unique<ProducerIds>(*p.metadata);
  const auto run_on_worker = [&p](std::function<void()> work) { p.workers->run(std::move(work)); };
  const auto take_options = [&p](const Options& in_force) {
    p.connections_max = static_cast<std::size_t>(in_force.max_connections);
    p.cleaner->set_options(in_force);
  };
  const auto topics_changed = [&p](TopicsChange change) {
    p.groups->topics_changed(change);
    for (const auto& push : p.push_cores) push->topics_changed();
  };
  p.topics = std::make_unique<Topics>(TopicsEnvironment{p.clock, *p.metadata, options_, *p.logs, p.random.next(),
                                                        run_on_worker, take_options, topics_changed});
  p.groups = std::make_unique<GroupCoordinator>(
      GroupCoordinator::Environment{p.clock, *p.topics, options_, *p.group_configs, p.random.next(), run_on_worker});
  p.services = std::make_unique<Services>(Services{p.clock, options_, p.disk, *p.metadata, *p.topics, p.fetch_sessions,
                                                   *p.producer_ids, *p.groups, *p.group_configs, *p.subscriptions,
                                                   *p.client_instances, p.metrics, run_on_worker});
  p.cleaner = std::make_unique<Cleaner>(*p.topics, options_, p.metrics, p.random.next());
  return p.topics->open();
}

base::Result<void> Server::open_cores() {
  Parts& p = *parts_;
  p.request_metrics = std::make_unique<RequestMetrics>(p.metrics);
  const auto kind = storage::choose_io_queue_kind();
  for (int index = 0; index < std::max(1, options_.core_count); ++index) {
    p.cores.push_back(
        std::make_unique<Core>(index, storage::make_io_queue(kind), std::chrono::microseconds(options_.busy_poll_us)));
  }
  open_push();
  for (const auto& push : p.push_cores) {
    p.dispatchers.push_back(std::make_unique<Dispatcher>(*p.services, *p.request_metrics, *push));
  }
  std::vector<Core*> cores;
  for (const auto& core : p.cores) cores.push_back(core.get());
  p.groups->open(std::move(cores));
  return {};
}

// Without a socket for the rings the other kinds of channels work all the same.
void Server::open_push() {
  Parts& p = *parts_;
  p.push_limits = std::make_unique<push::PushLimits>(options_);
  p.push_metrics = std::make_unique<push::PushMetrics>(p.metrics);
  push::PushCore::Environment environment{*p.topics,
                                          p.clock,
                                          *p.push_limits,
                                          *p.push_metrics,
                                          p.stage_stamps,
                                          p.request_metrics->produce(),
                                          p.services->run_on_worker};
  auto listener = push::ChannelListener::listen(*p.cores.front(), options_.data_directory, p.services->run_on_worker);
  if (listener) {
    p.channel_listener = std::move(*listener);
    environment.shared_memory = p.channel_listener.get();
  } else {
    base::log_warning("no channels over shared memory", "why", listener.error().message());
    environment.why_no_shared_memory = listener.error().message();
  }
  if (!options_.push_rdma_listen.empty()) {
    auto rdma = push::RdmaMeeting::listen(*p.cores.front(), options_.push_rdma_listen, p.services->run_on_worker);
    if (rdma) p.rdma_meeting = std::move(*rdma);
    if (!rdma && rdma.error().kind() != base::ErrorKind::unsupported) {
      base::log_warning("no channels over RDMA", "why", rdma.error().message());
    }
    if (!rdma) environment.why_no_rdma = rdma.error().while_doing("the broker").message();
    environment.rdma = p.rdma_meeting.get();
  }
  for (const auto& core : p.cores) p.push_cores.push_back(std::make_shared<push::PushCore>(*core, environment));
}

base::Result<void> Server::open_listeners() {
  Parts& p = *parts_;
  ConnectionLimits limits;
  limits.frame_bytes_max = static_cast<std::size_t>(options_.socket_request_max_bytes);
  limits.requests_in_flight_max = static_cast<std::size_t>(options_.connection_requests_in_flight_max);
  limits.held_bytes_max = static_cast<std::size_t>(options_.connection_buffered_bytes_max);
  limits.idle_max = std::chrono::milliseconds(options_.connections_max_idle_ms);
  limits.first_request_max = std::chrono::milliseconds(options_.handshake_timeout_ms);
  p.connections = std::make_unique<ConnectionSettings>(ConnectionSettings{
      limits,
      p.connections_max,
      p.receive_budget,
      {p.metrics.counter("cms_received_bytes_total", "Bytes received from clients."),
       p.metrics.counter("cms_sent_bytes_total", "Bytes sent to clients."),
       p.metrics.counter("cms_connections_violating_total", "Connections closed for breaking the protocol.")},
      p.metrics.counter("cms_connections_accepted_total", "Connections accepted."),
      p.metrics.counter("cms_connections_turned_away_total", "Connections above max.connections.")});
  std::vector<Acceptor::Place> places;
  for (std::size_t i = 0; i < p.cores.size(); ++i) places.push_back({p.cores[i].get(), p.dispatchers[i].get()});
  for (const Listener& listener : options_.listeners) {
    const transport::Endpoint endpoint{listener.host, listener.port, listener.unix_path};
    auto acceptor = Acceptor::listen(endpoint, places, *p.connections);
    if (!acceptor) return acceptor.error();
    p.acceptors.push_back(std::move(*acceptor));
  }
  return {};
}

base::Result<void> Server::open_admin() {
  Parts& p = *parts_;
  register_metrics();
  if (options_.admin_address.empty()) return {};
  const auto endpoint = transport::Endpoint::parse(options_.admin_address);
  if (!endpoint) return endpoint.error().while_doing("--admin");
  auto admin = HttpServer::listen(p.cores.front()->loop(), *endpoint,
                                  {[&p] { return p.metrics.to_prometheus(); }, [this] { return serving_.load(); }});
  if (!admin) return admin.error();
  p.admin = std::move(*admin);
  return {};
}

void Server::register_metrics() {
  Parts& p = *parts_;
  p.metrics.gauge_function("cms_client_metrics_clients", "Clients that ask which metrics to push.", "",
                           [&p] { return static_cast<double>(p.client_instances->client_count()); });
  p.metrics.collector([&p](std::string& text) { p.client_instances->print(text); });
  p.metrics.gauge_function("cms_connections", "Connections open now.", "", [&p] {
    std::size_t sum = 0;
    for (const auto& core : p.cores) sum += core->connection_count();
    return static_cast<double>(sum);
  });
  p.metrics.gauge_function("cms_topics", "Topics.", "", [&p] { return static_cast<double>(p.topics->all().size()); });
  p.metrics.gauge_function("cms_partitions_offline", "Partitions that could not be opened and are not served.", "",
                           [&p] { return static_cast<double>(p.topics->ailing().offline); });
  p.metrics.gauge_function("cms_partitions_read_only", "Partitions that take no records since a write has failed.", "",
                           [&p] { return static_cast<double>(p.topics->ailing().read_only); });
  p.metrics.gauge_function("cms_groups", "Groups this node coordinates.", "",
                           [&p] { return static_cast<double>(p.groups->counts().groups); });
  p.metrics.gauge_function("cms_committed_offsets", "Committed offsets of all groups.", "",
                           [&p] { return static_cast<double>(p.groups->counts().offsets); });
  p.metrics.gauge_function(
      "cms_group_shards_not_serving",
      "Partitions of __consumer_offsets whose groups are being loaded, cannot be, or can only be read.", "",
      [&p] { return static_cast<double>(p.groups->counts().shards_not_serving); });
  p.metrics.gauge_function("cms_fetch_sessions", "Fetch sessions kept.", "",
                           [&p] { return static_cast<double>(p.fetch_sessions.session_count()); });
  p.metrics.gauge_function("cms_log_memory_bytes", "Memory that logs hold.", "",
                           [&p] { return static_cast<double>(p.arena.counters().held_bytes); });
  p.metrics.gauge_function("cms_receive_buffer_bytes", "Memory of connections' receive buffers.", "",
                           [&p] { return static_cast<double>(p.receive_budget.used()); });
}

std::string Server::banner() const {
  const Parts& p = *parts_;
  std::string where;
  for (const auto& acceptor : p.acceptors) where += (where.empty() ? "" : ", ") + acceptor->endpoint().to_string();
  const std::string bootstrap = p.acceptors.front()->endpoint().to_string();
  const std::string admin = p.admin ? "http://" + p.admin->endpoint().to_string() + "/metrics" : "off";
  return "cmsd serves Kafka clients on " + where + " with " + std::to_string(p.cores.size()) + " core(s)\n" +
         "data:    " + options_.data_directory + ", " + std::to_string(p.topics->all().size()) + " topic(s), cluster " +
         p.metadata->cluster_id() + "\n" + "metrics: " + admin + "\n" + "produce: echo hello | cms -b " + bootstrap +
         " produce greetings\n" + "consume: cms -b " + bootstrap + " consume greetings --from start\n" +
         "stop:    Ctrl-C or SIGTERM; a second one does not wait\n";
}

base::Result<void> Server::run() {
  Parts& p = *parts_;
  for (std::size_t i = 0; i < p.acceptors.size(); ++i) {
    const Listener& listener = options_.listeners[i];
    const transport::Endpoint& bound = p.acceptors[i]->endpoint();
    ListenerInfo info{listener.name, bound.host, bound.port};
    for (const Listener& advertised : options_.advertised_listeners) {
      if (advertised.name != listener.name) continue;
      info.advertised_host = advertised.host;
      if (advertised.port != 0) info.advertised_port = advertised.port;
    }
    p.acceptors[i]->start(std::move(info));
  }
  if (p.channel_listener) p.channel_listener->start();
  if (p.rdma_meeting) p.rdma_meeting->start();
  for (const auto& core : p.cores) {
    p.threads.emplace_back([&core] { core->run(); });
    pthread_setname_np(p.threads.back().native_handle(), ("core-" + std::to_string(core->index())).c_str());
    if (options_.core_pinning) {
      cpu_set_t cpus;
      CPU_ZERO(&cpus);
      CPU_SET(static_cast<std::size_t>(core->index()) % std::thread::hardware_concurrency(), &cpus);
      pthread_setaffinity_np(p.threads.back().native_handle(), sizeof cpus, &cpus);
    }
  }
  p.cleaner->start();
  serving_ = true;
  keep_house();
  serving_ = false;
  boost::asio::post(p.cores.front()->loop(), [&p] {
    for (const auto& acceptor : p.acceptors) acceptor->stop();
    if (p.admin) p.admin->stop();
    if (p.channel_listener) p.channel_listener->stop();
    if (p.rdma_meeting) p.rdma_meeting->stop();
  });
  finish_requests();
  for (const auto& core : p.cores) core->stop();
  for (std::thread& thread : p.threads) thread.join();
  p.groups->close();
  p.cleaner->stop();
  p.workers->finish();
  return p.topics->close();
}

// A request may wait for a flush on another core or for a worker: nobody is hung up on before all of them have
// finished.
void Server::finish_requests() {
  Parts& p = *parts_;
  const auto on_all_cores = [&p](void (Core::*step)()) {
    std::latch done(static_cast<std::ptrdiff_t>(p.cores.size()));
    for (const auto& core : p.cores) {
      boost::asio::post(core->loop(), [&core, &done, step] {
        (*core.*step)();
        done.count_down();
      });
    }
    done.wait();
  };
  on_all_cores(&Core::stop_taking);
  on_all_cores(&Core::finish_flushes);
  p.workers->settle();
  on_all_cores(&Core::finish_flushes);  // of what the workers have done
}

// The calling thread's part while the cores serve.
void Server::keep_house() {
  Parts& p = *parts_;
  auto retention_due = std::chrono::steady_clock::now();
  auto expiry_due = retention_due + std::chrono::milliseconds(options_.offsets_retention_check_interval_ms);
  std::unique_lock lock(stop_mutex_);
  while (!stopping_) {
    stop_changed_.wait_for(lock, house_keeping_interval, [this] { return stopping_; });
    if (stopping_) break;
    lock.unlock();
    if (p.arena.wants_tidying()) p.arena.tidy();
    p.topics->remove_deleted();
    if (std::chrono::steady_clock::now() >= expiry_due) {
      p.groups->keep_house();
      expiry_due =
          std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.offsets_retention_check_interval_ms);
    }
    if (std::chrono::steady_clock::now() >= retention_due) {
      p.topics->keep_house();
      retention_due =
          std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.retention_check_interval_ms);
    }
    lock.lock();
  }
}

void Server::stop() {
  // Told under the lock: once it is free, run() may return and the server go.
  const std::lock_guard lock(stop_mutex_);
  stopping_ = true;
  stop_changed_.notify_all();
}

}  // namespace cms::broker
