// SPDX-License-Identifier: Apache-2.0
// How long a group takes to settle after its last member has joined, on both protocols, beside an echo (ApiVersions) on
// each member's connection and a commit, which is one synced append, in the same round.
//
//   cmsd --listen 127.0.0.1:9192 --set group.initial.rebalance.delay.ms=0 &
//   group_settling --broker 127.0.0.1:9192
//
// The client is one thread that sends for all members and then reads for all, so times hold its own work too; round
// trips do not. A classic group settles in two of them: all joins are answered when the last has come, and all syncs
// when the leader's has. A consumer group settles with the heartbeats of its members: this one sends them without a
// pause, so that what is counted is what the protocol needs.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "bench/figures.h"
#include "bench/raw_client.h"
#include "protocol/header.h"
#include "protocol/messages.h"

namespace cms::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
using protocol::ErrorCode;
using protocol::Version;

constexpr int tries_max = 500;
constexpr int heartbeat_rounds_max = 100;
constexpr std::int32_t session_timeout_ms = 30'000;
constexpr int others_wait_us = 200'000;  // the joins of all but the last are with the broker by then

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

void check(ErrorCode error, const char* what) {
  if (error != ErrorCode::none) die(std::string(what) + ": " + std::string(protocol::name_of(error)));
}

// One connection, requests by message.
class Client {
 public:
  explicit Client(const client::Address& address) : raw_(address) {}

  template <typename Request>
  void send(const Request& request, Version version) {
    out_.clear();
    protocol::write_request({Request::api_key, version, 1, "bench"}, request, out_);
    std::string frame;
    for (const ByteSpan part : out_.gather()) frame += base::as_text(part);
    raw_.send(frame);
  }
  template <typename Response>
  Response receive(Version version) {
    std::int32_t correlation_id = 0;
    const auto body = protocol::read_response_header(raw_.receive(), Response::api_key, version, correlation_id);
    Response response;
    if (!body || !protocol::read(*body, version, response)) die("an answer that is none");
    return response;
  }
  template <typename Response, typename Request>
  Response call(const Request& request, Version version) {
    send(request, version);
    return receive<Response>(version);
  }

 private:
  RawClient raw_;
  protocol::FrameBuffer out_;
};

double ms_since(SteadyClock::time_point begin) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count();
}

struct Setting {
  std::vector<Client> clients;
  std::string topic;
  base::Uuid topic_id;
};

// --- The baselines.

double echo_all(Setting& setting) {
  const auto begin = SteadyClock::now();
  for (Client& client : setting.clients) client.send(protocol::ApiVersionsRequest{}, 0);
  for (Client& client : setting.clients) client.receive<protocol::ApiVersionsResponse>(0);
  return ms_since(begin);
}

double echo_one(Setting& setting) {
  const auto begin = SteadyClock::now();
  setting.clients[0].call<protocol::ApiVersionsResponse>(protocol::ApiVersionsRequest{}, 0);
  return ms_since(begin);
}

ErrorCode commit(Setting& setting) {
  protocol::OffsetCommitRequest request;
  request.group_id = setting.topic + "-commits";
  auto& topic = request.topics.emplace_back();
  topic.name = setting.topic;
  auto& partition = topic.partitions.emplace_back();
  partition.partition_index = 0;
  partition.committed_offset = 1;
  const auto response = setting.clients[0].call<protocol::OffsetCommitResponse>(request, 8);
  return response.topics.at(0).partitions.at(0).error_code;
}

// --- A classic group. Its members know each other already and join again, the leader first, the last one last.
class ClassicGroup {
 public:
  explicit ClassicGroup(Setting& setting) : setting_(setting), ids_(setting.clients.size()) {
    join(0);
    receive_join(0);
    for (std::size_t i = 1; i < ids_.size(); ++i) join(i);
    ::usleep(others_wait_us);
    join(0);
    for (std::size_t i = 0; i < ids_.size(); ++i) receive_join(i);
    sync();
  }

  Figures run() {
    // The leader first: a follower that joins a stable group again is answered at once, with what is.
    const auto leader = static_cast<std::size_t>(std::ranges::find(ids_, leader_) - ids_.begin());
    const std::size_t last = leader == 0 ? ids_.size() - 1 : 0;
    join(leader);
    ::usleep(others_wait_us);
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      if (i != leader && i != last) join(i);
    }
    ::usleep(others_wait_us);
    const auto begin = SteadyClock::now();
    join(last);
    for (std::size_t i = 0; i < ids_.size(); ++i) receive_join(i);
    const double joined_ms = ms_since(begin);
    sync();
    return {{"classic: joined", "ms", joined_ms}, {"classic: settled", "ms", ms_since(begin)}};
  }

 private:
  void join(std::size_t i) {
    static const std::string metadata = "metadata";
    protocol::JoinGroupRequest request;
    request.group_id = setting_.topic + "-classic";
    request.session_timeout_ms = session_timeout_ms;
    request.rebalance_timeout_ms = session_timeout_ms;
    request.member_id = ids_[i];
    request.protocol_type = "consumer";
    request.protocols.push_back({"range", base::as_bytes(metadata)});
    setting_.clients[i].send(request, 3);
  }
  void receive_join(std::size_t i) {
    const auto response = setting_.clients[i].receive<protocol::JoinGroupResponse>(3);
    check(response.error_code, "JoinGroup");
    ids_[i] = response.member_id;
    generation_ = response.generation_id;
    leader_ = response.leader;
  }
  void sync() {
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      protocol::SyncGroupRequest request;
      request.group_id = setting_.topic + "-classic";
      request.generation_id = generation_;
      request.member_id = ids_[i];
      if (ids_[i] == leader_) {
        for (const std::string& id : ids_) request.assignments.push_back({id, base::as_bytes(id)});
      }
      setting_.clients[i].send(request, 3);
    }
    for (Client& client : setting_.clients)
      check(client.receive<protocol::SyncGroupResponse>(3).error_code, "SyncGroup");
  }
  Setting& setting_;
  std::vector<std::string> ids_;
  std::int32_t generation_ = -1;
  std::string leader_;
};

// --- A consumer group. The last member leaves and joins again.
class ConsumerGroup {
 public:
  explicit ConsumerGroup(Setting& setting) : setting_(setting), members_(setting.clients.size()) {
    for (std::size_t i = 0; i < members_.size(); ++i) members_[i].id = "member-" + std::to_string(i);
    settle();
  }

  Figures run() {
    leave(members_.size() - 1);
    while (!is_settled(members_.size() - 1)) beat(members_.size() - 1);
    const auto begin = SteadyClock::now();
    const int rounds = settle();
    return {{"consumer: settled", "ms", ms_since(begin)}, {"consumer: round trips", "", static_cast<double>(rounds)}};
  }

 private:
  struct Member {
    std::string id;
    std::int32_t epoch = 0;
    std::vector<std::int32_t> owned;
    bool tells = true;
  };

  // Round trips until each member owns its share: one for the last member's join, then one for each round of all.
  int settle() {
    int rounds = 0;
    send(members_.size() - 1);
    receive(members_.size() - 1);
    for (rounds = 1; !is_settled(members_.size()); ++rounds) {
      if (rounds == heartbeat_rounds_max) die("the consumer group does not settle");
      beat(members_.size());
    }
    return rounds;
  }
  void beat(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) send(i);
    for (std::size_t i = 0; i < count; ++i) receive(i);
  }
  bool is_settled(std::size_t count) const {
    std::size_t owned = 0;
    for (std::size_t i = 0; i < count; ++i) {
      owned += members_[i].owned.size();
      if (members_[i].epoch != members_[0].epoch || members_[i].tells || members_[i].owned.empty()) return false;
    }
    return owned == members_.size();  // as many partitions as members: one each when all are there
  }
  void send(std::size_t i) {
    Member& member = members_[i];
    protocol::ConsumerGroupHeartbeatRequest request;
    request.group_id = setting_.topic + "-consumer";
    request.member_id = member.id;
    request.member_epoch = member.epoch;
    if (member.epoch == 0) {
      request.rebalance_timeout_ms = session_timeout_ms;
      request.subscribed_topic_names = {setting_.topic};
    }
    if (member.epoch == 0 || member.tells) {
      request.topic_partitions.emplace();
      if (!member.owned.empty()) request.topic_partitions->push_back({setting_.topic_id, member.owned});
    }
    member.tells = false;
    setting_.clients[i].send(request, 1);
  }
  void receive(std::size_t i) {
    const auto response = setting_.clients[i].receive<protocol::ConsumerGroupHeartbeatResponse>(1);
    check(response.error_code, "ConsumerGroupHeartbeat");
    Member& member = members_[i];
    member.epoch = response.member_epoch;
    if (!response.assignment) return;
    member.owned.clear();
    for (const auto& topic : response.assignment->topic_partitions) member.owned = topic.partitions;
    member.tells = true;
  }
  void leave(std::size_t i) {
    members_[i].epoch = -1;
    send(i);
    setting_.clients[i].receive<protocol::ConsumerGroupHeartbeatResponse>(1);
    Member next;
    next.id = members_[i].id;
    members_[i] = std::move(next);
  }

  Setting& setting_;
  std::vector<Member> members_;
};

// An assignment may follow the one before at once.
void assign_without_pause(Setting& setting) {
  protocol::IncrementalAlterConfigsRequest request;
  request.resources.push_back({.resource_type = protocol::ConfigResourceType::group,
                               .resource_name = setting.topic + "-consumer",
                               .configs = {{"consumer.assignment.interval.ms", protocol::ConfigOperation::set, "0"}}});
  const auto response = setting.clients[0].call<protocol::IncrementalAlterConfigsResponse>(request, 1);
  check(response.responses.at(0).error_code, "IncrementalAlterConfigs");
}

void prepare(Setting& setting, int members) {
  setting.topic = "settling-" + std::to_string(::getpid());
  protocol::CreateTopicsRequest request;
  request.timeout_ms = session_timeout_ms;
  auto& topic = request.topics.emplace_back();
  topic.name = setting.topic;
  topic.num_partitions = members;
  topic.replication_factor = 1;
  const auto made = setting.clients[0].call<protocol::CreateTopicsResponse>(request, 7);
  check(made.topics.at(0).error_code, "CreateTopics");
  setting.topic_id = made.topics.at(0).topic_id;
  assign_without_pause(setting);
  protocol::FindCoordinatorRequest find;
  find.key = setting.topic;
  for (int tries = 0;; ++tries) {
    setting.clients[0].call<protocol::FindCoordinatorResponse>(find, 3);
    const ErrorCode error = commit(setting);
    if (error == ErrorCode::none) return;
    if (tries == tries_max) check(error, "OffsetCommit");
    ::usleep(20'000);
  }
}

Figures run_round(Setting& setting, ClassicGroup& classic, ConsumerGroup& consumer) {
  Figures figures{{"echo on one connection", "ms", echo_one(setting)},
                  {"echo on all connections", "ms", echo_all(setting)}};
  const auto begin = SteadyClock::now();
  check(commit(setting), "OffsetCommit");
  figures.push_back({"a commit", "ms", ms_since(begin)});
  for (const Figure& figure : classic.run()) figures.push_back(figure);
  for (const Figure& figure : consumer.run()) figures.push_back(figure);
  return figures;
}

int run(int argc, char** argv) {
  CLI::App app("How long a group takes to settle after its last member has joined.");
  std::string broker;
  int members = 100;
  int rounds = 20;
  app.add_option("--broker", broker, "HOST:PORT")->required();
  app.add_option("--members", members, "Members of each group")->check(CLI::Range(2, 10'000));
  app.add_option("--rounds", rounds, "Times that the last member joins")->check(CLI::Range(1, 100'000));
  CLI11_PARSE(app, argc, argv);
  const auto address = client::Address::parse(broker);
  if (!address) die(address.error().message());
  Setting setting;
  for (int i = 0; i < members; ++i) setting.clients.emplace_back(*address);
  prepare(setting, members);
  ClassicGroup classic(setting);
  ConsumerGroup consumer(setting);
  Comparison comparison(std::to_string(members) + " members");
  for (int round = 0; round < rounds; ++round) comparison.add_round(run_round(setting, classic, consumer), {});
  Comparison::print_heading(broker, "");
  comparison.print();
  return 0;
}

}  // namespace
}  // namespace cms::bench

int main(int argc, char** argv) { return cms::bench::run(argc, argv); }
