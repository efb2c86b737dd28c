// SPDX-License-Identifier: Apache-2.0
// Whether every record came once, in order, to every subscription.
//
// A stream is what one producer sends to one partition. Its records are numbered from 0, and a partition is a log, so
// each subscription must see each stream's numbers one after the other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/bench/payload.h"

namespace cms::client::bench {

inline constexpr std::size_t streams_max = 4'000'000;  // of all subscriptions: 8 bytes each

// One owner, one thread. No allocation while nothing is wrong.
class Ledger {
 public:
  Ledger(std::size_t streams, std::size_t subscriptions);

  // The number of the stream's next record; it counts as sent when sent() is called.
  std::uint64_t next_sequence(std::uint32_t stream) const { return sent_[stream]; }
  void sent(std::uint32_t stream);

  // A subscription got this record. False when that is wrong: problems() says how.
  bool received(std::size_t subscription, const Stamp& stamp);
  void corrupted(std::size_t subscription, const std::string& where);

  std::uint64_t sent_total() const { return sent_total_; }
  std::uint64_t received_total() const { return received_total_; }  // of all subscriptions
  bool is_complete() const { return received_total_ == sent_total_ * subscriptions_; }

  // What is not received yet counts as missing: when nothing more will come.
  void close();

  std::uint64_t missing() const { return missing_; }
  std::uint64_t repeated() const { return repeated_; }
  std::uint64_t corrupted_total() const { return corrupted_; }
  bool is_clean() const { return missing_ == 0 && repeated_ == 0 && corrupted_ == 0; }

  // The first few, as sentences.
  const std::vector<std::string>& problems() const { return problems_; }
  static constexpr std::size_t problems_max = 10;

 private:
  void note(std::string problem);

  const std::size_t subscriptions_;
  std::vector<std::uint64_t> sent_;                   // by stream
  std::vector<std::vector<std::uint64_t>> expected_;  // by subscription, then stream
  std::uint64_t sent_total_ = 0;
  std::uint64_t received_total_ = 0;  // good ones
  std::uint64_t missing_ = 0;
  std::uint64_t repeated_ = 0;
  std::uint64_t corrupted_ = 0;
  std::vector<std::string> problems_;
};

}  // namespace cms::client::bench
