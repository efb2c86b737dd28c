// SPDX-License-Identifier: Apache-2.0
// What a step makes happen: records for the coordinator's log, and replies to requests that were waiting.
//
// The host appends the records of one step as one batch and lets no reply of that step out before everything the shard
// has ever appended is stable. So nothing that a crash could take back is ever seen, and reads need no second state.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "coordinator/call.h"
#include "protocol/messages/groups.h"

namespace cms::coordinator {

// A record of the coordinator's log; no value is a tombstone.
struct LogRecord {
  std::string key;
  std::optional<std::string> value;

  friend bool operator==(const LogRecord&, const LogRecord&) = default;
};

// The requests that may have to wait for what others do.
using WaitingResponse = std::variant<protocol::JoinGroupResponse, protocol::SyncGroupResponse>;

struct Reply {
  Ticket ticket = 0;
  WaitingResponse response;
};

struct Effects {
  std::vector<LogRecord> records;
  std::vector<Reply> replies;

  void append(std::string key, std::optional<std::string> value) {
    records.push_back({std::move(key), std::move(value)});
  }
  void reply(Ticket ticket, WaitingResponse response) { replies.push_back({ticket, std::move(response)}); }
  void clear() {
    records.clear();
    replies.clear();
  }
};

}  // namespace cms::coordinator
