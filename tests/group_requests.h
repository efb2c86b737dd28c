// SPDX-License-Identifier: Apache-2.0
// Requests to the group coordinator as the cases need them, and members of groups that speak for themselves.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/requests.h"

namespace cms::tests {

// Until the group's coordinator is there and has loaded: everything before is answered with an error to retry.
void await_coordinator(Wire& wire, const std::string& group);

// True for the errors that clients answer by asking again, the coordinator not being ready.
bool is_to_retry(ErrorCode error);

// --- Offsets. By topic names; with no member id from outside of the group.

struct Claim {
  std::string member_id = {};
  std::int32_t generation = -1;
  std::optional<std::string> instance_id = {};
};

protocol::OffsetCommitRequest commit_request(const std::string& group, const std::string& topic, std::int32_t partition,
                                             Offset offset, const Claim& claim = {});
ErrorCode commit(Wire& wire, const std::string& group, const std::string& topic, std::int32_t partition, Offset offset,
                 const Claim& claim = {}, Version version = 9);

using CommittedAnswer = protocol::OffsetFetchResponse::Partition;
protocol::OffsetFetchResponse::Group fetch_offsets(Wire& wire, const std::string& group);
CommittedAnswer committed_of(Wire& wire, const std::string& group, const std::string& topic,
                             std::int32_t partition = 0);

// The offset, or -1; asks again as long as the coordinator is loading, throws on any other error.
Offset committed(Wire& wire, const std::string& group, const std::string& topic, std::int32_t partition = 0);

// --- Administration.

protocol::DescribeGroupsResponse::Group described(Wire& wire, const std::string& group, Version version = 6);
protocol::ConsumerGroupDescribeResponse::Group described_consumer(Wire& wire, const std::string& group);
protocol::ListGroupsResponse::Group listed(Wire& wire, const std::string& group);  // empty when it is not
ErrorCode delete_group(Wire& wire, const std::string& group);

// --- A member of a classic group, with a connection of its own: who waits in a join keeps those behind it waiting.
class ClassicMember {
 public:
  struct Setup {
    std::string group;
    std::string metadata = "metadata";
    std::string protocol_type = "consumer";
    std::string protocol = "range";
    std::optional<std::string> instance_id = {};
    std::int32_t session_timeout_ms = 30'000;
    std::int32_t rebalance_timeout_ms = 60'000;
  };
  using Assignments = std::map<std::string, std::string>;

  ClassicMember(std::uint16_t port, Setup setup) : setup_(std::move(setup)), wire_(std::in_place, port) {}

  // Sends a join that waits; the first one asks for an id before.
  void ask_for_id();
  void send_join();
  void send_join_without_id();  // answered at once, by receive_join()
  // Takes the answer's id and generation.
  const protocol::JoinGroupResponse& receive_join(milliseconds limit = patience);

  void send_sync(const Assignments& assignments = {});
  protocol::SyncGroupResponse receive_sync(milliseconds limit = patience);

  ErrorCode heartbeat();
  ErrorCode leave();
  ErrorCode commit(const std::string& topic, std::int32_t partition, Offset offset);

  Claim claim() const { return {id_, generation_, setup_.instance_id}; }
  const std::string& id() const { return id_; }
  std::int32_t generation() const { return generation_; }
  bool leads() const { return joined_.error_code == ErrorCode::none && !id_.empty() && joined_.leader == id_; }
  const protocol::JoinGroupResponse& joined() const { return joined_; }
  const std::string& assignment() const { return assignment_; }
  void forget_id() { id_.clear(); }
  void change_metadata() { setup_.metadata += '+'; }
  Wire& wire() { return *wire_; }

  // After the broker has come back under another port, or the connection was lost; the member stays who it is.
  void reconnect(std::uint16_t port) { wire_.emplace(port); }

 private:
  protocol::JoinGroupRequest join_request() const;

  Setup setup_;
  std::optional<Wire> wire_;
  std::string id_;
  std::int32_t generation_ = -1;
  protocol::JoinGroupResponse joined_;
  std::string assignment_;
};

// All join, the leader assigns to each its own id; done when all have their assignment. Members that were in the group
// before join again.
void settle(const std::vector<ClassicMember*>& members);

// --- A member of a consumer group (KIP-848) that gives up at once what it is to give up.
class ConsumerMember {
 public:
  using Owned = std::map<base::Uuid, std::vector<std::int32_t>>;

  ConsumerMember(std::string group, std::string id, std::vector<std::string> topics)
      : group_(std::move(group)), id_(std::move(id)), topics_(std::move(topics)) {}

  // One heartbeat; joins when it has no epoch. Its error, after which a fenced member has none again.
  ErrorCode beat(Wire& wire);
  ErrorCode leave(Wire& wire);

  void send_beat(Wire& wire);
  ErrorCode receive_beat(Wire& wire);

  const std::string& id() const { return id_; }
  const std::string& group() const { return group_; }
  std::int32_t epoch() const { return epoch_; }
  const Owned& owned() const { return owned_; }
  std::size_t partition_count() const;
  Claim claim() const { return {id_, epoch_, {}}; }
  const protocol::ConsumerGroupHeartbeatResponse& last() const { return last_; }

 private:
  const std::string group_;
  const std::string id_;
  const std::vector<std::string> topics_;
  std::int32_t epoch_ = 0;
  Owned owned_;
  protocol::ConsumerGroupHeartbeatResponse last_;
};

// Heartbeats of all in turn until each owns what it is to own and nothing moves any more.
void settle(Wire& wire, const std::vector<ConsumerMember*>& members, std::size_t partitions);

}  // namespace cms::tests
