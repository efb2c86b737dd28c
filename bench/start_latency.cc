// SPDX-License-Identifier: Apache-2.0
// How long cmsd takes from its start to the first record it accepts: with nothing, with many partitions, and after it
// was killed with much in the active segment. Starts the broker itself, and stops no other.
//
//   start_latency --cmsd build/release/bin/cmsd --rounds 5
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>

#include "bench/figures.h"
#include "bench/raw_client.h"

extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace cms::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::microseconds pause_between_tries{100};
constexpr std::chrono::seconds start_patience{120};
constexpr std::chrono::milliseconds answer_timeout{30'000};
constexpr std::int16_t unknown_topic = 3;
constexpr std::size_t small_record = 100;
constexpr std::size_t fill_record = 1'000'000;
constexpr int depth = 8;  // requests in flight while a log is filled
constexpr auto topic_name = "start";

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// Nobody listens there now; between this and the broker's listening somebody might.
std::uint16_t free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  if (probe < 0 || ::bind(probe, plain, size) != 0 || ::getsockname(probe, plain, &size) != 0)
    throw std::system_error(errno, std::generic_category(), "a free port");
  ::close(probe);
  return ntohs(address.sin_port);
}

// A broker of this program's own. The one that runs is killed when this program ends, however it does.
class Broker {
 public:
  Broker(const std::string& program, const fs::path& data)
      : address_{"127.0.0.1", free_port(), ""}, log_(data.string() + ".log"), started_(Clock::now()) {
    const std::vector<std::string> words{program, "--data", data, "--listen", address_.to_string(), "--admin", "off"};
    std::vector<char*> pointers;
    pointers.reserve(words.size() + 1);
    for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
    const int error = ::posix_spawn(&running_, program.c_str(), &files, nullptr, pointers.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    if (error != 0) running_ = 0;
    if (error != 0) throw std::system_error(error, std::generic_category(), program);
  }
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;
  ~Broker() { end(SIGKILL); }

  const client::Address& address() const { return address_; }
  Clock::time_point started() const { return started_; }

  void throw_if_ended() {
    int status = 0;
    if (::waitpid(running_, &status, WNOHANG) != running_) return;
    running_ = 0;
    throw std::runtime_error("cmsd has ended: " + said());
  }

  // SIGTERM: as an operator stops it.
  void stop() {
    if (end(SIGTERM) != 0) throw std::runtime_error("cmsd did not stop well: " + said());
  }
  void kill() { end(SIGKILL); }

  static void kill_running() {  // for std::atexit: RawClient ends the program when a request fails
    if (running_ > 0) ::kill(running_, SIGKILL);
  }

 private:
  static int end(int signal) {
    if (running_ <= 0) return 0;
    ::kill(running_, signal);
    int status = 0;
    ::waitpid(running_, &status, 0);
    running_ = 0;
    return status;
  }

  std::string said() const {
    std::ifstream file(log_);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  inline static pid_t running_ = 0;
  const client::Address address_;
  const std::string log_;
  const Clock::time_point started_;
};

// Asks again and again, as a client does that was there before the broker.
class FirstProduce {
 public:
  explicit FirstProduce(Broker& broker) : broker_(broker) {}

  // When the port answered and when a record was accepted, both from the start of the process.
  Figures await() {
    const std::string frame = produce_frame(topic_name, 1, record_batch(1, small_record));
    while (!try_once(frame)) {
      broker_.throw_if_ended();
      if (Clock::now() - broker_.started() > start_patience) throw std::runtime_error("cmsd accepts no records");
      std::this_thread::sleep_for(pause_between_tries);
    }
    return {{"port", "ms", connected_ms_}, {"first produce", "ms", ms_since(broker_.started())}};
  }

 private:
  bool try_once(const std::string& frame) {
    if (!socket_) {
      auto connected = client::Socket::connect(broker_.address(), answer_timeout);
      if (!connected) return false;
      socket_.emplace(std::move(*connected));
      connected_ms_ = ms_since(broker_.started());
      if (!socket_->set_timeout(answer_timeout)) return false;
    }
    const std::optional<ByteSpan> answer = ask(frame);
    if (!answer) return false;
    const std::int16_t error = parse_produce_reply(*answer).error;
    if (error == unknown_topic) ask(create_topic_frame(topic_name, 1, {}));  // whether it is there, produce will tell
    return error == 0;
  }

  // The answer is valid until the next request.
  std::optional<ByteSpan> ask(const std::string& frame) {
    if (!socket_ || !socket_->send(base::as_bytes(frame))) return lost();
    auto answer = socket_->receive_frame();
    if (!answer) return lost();
    return *answer;
  }
  std::optional<ByteSpan> lost() {
    socket_.reset();
    return std::nullopt;
  }

  Broker& broker_;
  std::optional<client::Socket> socket_;
  double connected_ms_ = 0;
};

struct Options {
  std::string program;
  fs::path directory;
  std::int64_t megabytes = 0;
};

// Something to start with, made once or in each round.
class Scene {
 public:
  Scene(const Options& options, std::string name) : options_(options), data_(options.directory / name) {}
  virtual ~Scene() { fs::remove_all(data_); }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  // The broker is stopped in good order behind it.
  Figures run_round() {
    prepare();
    Broker broker(options_.program, data_);
    Figures figures = FirstProduce(broker).await();
    verify(broker);
    broker.stop();
    return figures;
  }

 protected:
  virtual void prepare() = 0;
  virtual void verify(Broker& /*broker*/) {}

  const Options& options() const { return options_; }
  const fs::path& data() const { return data_; }

 private:
  const Options& options_;
  const fs::path data_;
};

class Empty final : public Scene {
 public:
  using Scene::Scene;

 private:
  void prepare() override { fs::remove_all(data()); }
};

void await_answers(RawClient& client, int count) {
  for (; count > 0; --count) {
    if (const auto reply = parse_produce_reply(client.receive()); reply.error != 0)
      throw std::runtime_error("Produce: error " + std::to_string(reply.error));
  }
}

// Partitions of one topic, made in a first start that is stopped in good order.
class Partitions final : public Scene {
 public:
  Partitions(const Options& options, const std::string& name, std::int32_t count, bool are_written)
      : Scene(options, name), count_(count), are_written_(are_written) {}

 private:
  void prepare() override {
    if (fs::exists(data())) return;
    Broker broker(options().program, data());
    FirstProduce(broker).await();
    RawClient client(broker.address());
    client.send(create_topic_frame("many", count_, {}));
    client.receive();
    const std::string batch = record_batch(1, small_record);
    for (std::int32_t partition = 0; partition < count_; ++partition) {
      if (!are_written_ && partition + 1 < count_) continue;  // the last one is there when all are
      while (client_error(client, partition, batch) != 0) std::this_thread::sleep_for(pause_between_tries);
    }
    broker.stop();
  }

  static std::int16_t client_error(RawClient& client, std::int32_t partition, const std::string& batch) {
    return client.produce(produce_frame("many", 1, batch, partition)).error;
  }

  const std::int32_t count_;
  const bool are_written_;
};

// Killed with so many megabytes in one segment, all of which it had acknowledged as synced.
class Killed final : public Scene {
 public:
  using Scene::Scene;

 private:
  void prepare() override {
    fs::remove_all(data());
    Broker broker(options().program, data());
    FirstProduce(broker).await();
    RawClient client(broker.address());
    client.delete_topic(topic_name);
    client.create_topic(topic_name, {{"segment.bytes", "2147483647"}});
    const std::string frame = produce_frame(topic_name, -1, record_batch(1, fill_record));
    const std::int64_t count = options().megabytes;
    for (std::int64_t sent = 0; sent < count; ++sent) {
      client.send(frame);
      if (sent >= depth) await_answers(client, 1);
    }
    await_answers(client, static_cast<int>(std::min<std::int64_t>(count, depth)));
    next_offset_ = client.next_offset(topic_name);
    broker.kill();
  }

  void verify(Broker& broker) override {
    const std::int64_t found = RawClient(broker.address()).next_offset(topic_name);
    if (found < next_offset_)  // the first one since the start may not be stable yet, so not be counted
      throw std::runtime_error("acknowledged records are lost: " + std::to_string(next_offset_ - found));
  }

  std::int64_t next_offset_ = 0;
};

struct Arguments {
  Options options;
  std::string parent = fs::temp_directory_path();
  int rounds = 3;
  std::vector<std::string> cases{"empty", "1000", "1000-written", "10000", "killed"};
  std::string json;
};

void declare(CLI::App& app, Arguments& arguments) {
  arguments.options.program = fs::read_symlink("/proc/self/exe").parent_path() / "cmsd";
  arguments.options.megabytes = 1000;
  app.add_option("--cmsd", arguments.options.program, "The broker's program")
      ->check(CLI::ExistingFile)
      ->capture_default_str();
  app.add_option("--dir", arguments.parent, "Where data directories are made, and removed")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  app.add_option("--rounds", arguments.rounds, "Starts of each case")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--case", arguments.cases, "Only these; default all")
      ->check(CLI::IsMember({"empty", "1000", "1000-written", "10000", "killed"}))
      ->delimiter(',');
  app.add_option("--megabytes", arguments.options.megabytes, "In the active segment of the case killed")
      ->check(CLI::Range(1, 2000))
      ->capture_default_str();
  app.add_option("--json", arguments.json, "A file to which each figure is added as a line of JSON");
  app.footer(
      "Cases: an empty data directory; 1,000 and 10,000 partitions never written to; 1,000 with a record each; killed\n"
      "with --megabytes in one segment. All but the last one were stopped in good order. The record goes to a\n"
      "persistent topic with acks=1. The files are as the run before left them, in the page cache.");
}

std::unique_ptr<Scene> make_scene(const std::string& name, const Options& options) {
  if (name == "empty") return std::make_unique<Empty>(options, name);
  if (name == "killed") return std::make_unique<Killed>(options, name);
  return std::make_unique<Partitions>(options, name, std::stoi(name), name.ends_with("written"));
}

// A directory of its own, which goes with all that was put there.
class Directory {
 public:
  explicit Directory(const std::string& parent) : path_(parent + "/cms-start-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) throw std::system_error(errno, std::generic_category(), parent);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { fs::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void measure(Arguments& arguments) {
  const Directory directory(arguments.parent);
  arguments.options.directory = directory.path();
  Comparison::print_heading("from the start of the process", "");
  for (const std::string& name : arguments.cases) {
    Comparison comparison(name);
    const auto scene = make_scene(name, arguments.options);
    for (int round = 0; round < arguments.rounds; ++round) comparison.add_round(scene->run_round(), {});
    comparison.print();
    comparison.add_to(arguments.json);
  }
}

int run(int argc, char** argv) {
  CLI::App app("Measures how long cmsd takes from its start to the first record it accepts.");
  Arguments arguments;
  declare(app, arguments);
  try {
    app.parse(argc, argv);
    measure(arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace cms::bench

int main(int argc, char** argv) {
  std::atexit(cms::bench::Broker::kill_running);
  return cms::bench::run(argc, argv);
}
