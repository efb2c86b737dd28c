// SPDX-License-Identifier: Apache-2.0
#include "client/bench/ledger.h"

namespace cms::client::bench {

namespace {

std::string named(std::size_t subscription, std::size_t stream) {
  return "subscription " + std::to_string(subscription) + ", stream " + std::to_string(stream) + ": ";
}

}  // namespace

Ledger::Ledger(std::size_t streams, std::size_t subscriptions)
    : subscriptions_(subscriptions), sent_(streams), expected_(subscriptions, std::vector<std::uint64_t>(streams)) {}

void Ledger::sent(std::uint32_t stream) {
  ++sent_[stream];
  ++sent_total_;
}

bool Ledger::received(std::size_t subscription, const Stamp& stamp) {
  if (subscription >= subscriptions_ || stamp.stream >= sent_.size() || stamp.sequence >= sent_[stamp.stream]) {
    ++corrupted_;
    note(named(subscription, stamp.stream) + "record " + std::to_string(stamp.sequence) + " was never sent");
    return false;
  }
  std::uint64_t& expected = expected_[subscription][stamp.stream];
  if (stamp.sequence == expected) {
    ++expected;
    ++received_total_;
    return true;
  }
  if (stamp.sequence < expected) {
    ++repeated_;
    note(named(subscription, stamp.stream) + "record " + std::to_string(stamp.sequence) + " came again, or late");
    return false;
  }
  missing_ += stamp.sequence - expected;
  note(named(subscription, stamp.stream) + "records " + std::to_string(expected) + " to " +
       std::to_string(stamp.sequence - 1) + " were passed over");
  expected = stamp.sequence + 1;
  ++received_total_;
  return false;
}

void Ledger::corrupted(std::size_t subscription, const std::string& where) {
  ++corrupted_;
  note("subscription " + std::to_string(subscription) + ": a record of " + where + " is not as it was sent");
}

void Ledger::close() {
  for (std::size_t subscription = 0; subscription < subscriptions_; ++subscription) {
    for (std::size_t stream = 0; stream < sent_.size(); ++stream) {
      const std::uint64_t expected = expected_[subscription][stream];
      if (expected == sent_[stream]) continue;
      missing_ += sent_[stream] - expected;
      note(named(subscription, stream) + "records " + std::to_string(expected) + " to " +
           std::to_string(sent_[stream] - 1) + " never came");
    }
  }
}

void Ledger::note(std::string problem) {
  if (problems_.size() < problems_max) problems_.push_back(std::move(problem));
}

}  // namespace cms::client::bench
