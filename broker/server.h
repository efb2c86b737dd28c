// SPDX-License-Identifier: Apache-2.0
// The broker put together: data directory, metadata, logs, topics, cores, listeners. It only wires; each part does its
// own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "broker/config/options.h"
#include "broker/core/acceptor.h"
#include "broker/core/workers.h"
#include "broker/services.h"

namespace cms::broker {

class Dispatcher;
class HttpServer;
class LocalStore;
class RequestMetrics;

class Server {
 public:
  // Opens everything and listens; nothing is served before run(). Errors say what is in the way and what to do.
  static base::Result<std::unique_ptr<Server>> open(Options options);
  ~Server();

  // What runs where, in a few lines for people.
  std::string banner() const;

  // Serves until stop(), then finishes what was taken, syncs and closes. Blocks. The error is what could not be closed.
  base::Result<void> run();

  // Any thread, also several times; not from a signal handler.
  void stop();

 private:
  struct Parts;
  explicit Server(Options options);

  base::Result<void> open_data();
  base::Result<void> open_cores();
  void open_push();
  base::Result<void> open_listeners();
  base::Result<void> open_admin();
  void register_metrics();
  void keep_house();
  void finish_requests();

  const Options options_;
  std::unique_ptr<Parts> parts_;
  std::atomic<bool> serving_{false};
  std::mutex stop_mutex_;
  std::condition_variable stop_changed_;
  bool stopping_ = false;
};

}  // namespace cms::broker
