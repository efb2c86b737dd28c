// SPDX-License-Identifier: Apache-2.0
// Puts records into topics.
//
//   cms::Publisher publisher = session->publisher();
//   publisher.publish("sensors", {.value = "23.5"});
//   publisher.flush(1s);
//
// A publish leaves at once, as a batch of its own, and is in the broker's hands when it returns. What is published
// while the channel is full, or while `batches_in_flight_max` batches of its partition are unanswered, is collected and
// leaves together when there is room. Records of one partition keep their order.
//
// An acknowledgement comes when the records are what their topic promises: synced (persistent), in memory (volatile) or
// handed on (transient). An idempotent publisher numbers its batches (KIP-98): after a lost connection it sends again
// what was not acknowledged, and nothing is stored twice. One that is not reports such records as `lost`: they may have
// been stored.
#pragma once

#include <cms/error.h>
#include <cms/record.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

namespace cms {

class Session;

namespace client {
class Outgoing;
struct OutgoingBatch;
}  // namespace client

struct Acknowledgement {
  std::uint64_t ticket = 0;  // of the publish
  std::string_view topic;
  std::int32_t partition = 0;
  std::int64_t offset = -1;      // -1 when it was not stored, or is not known
  const Error* error = nullptr;  // null: it was stored
};

struct PublisherOptions {
  bool idempotent = true;
  std::size_t unacknowledged_records_max = 16'384;
  std::size_t unacknowledged_bytes_max = std::size_t{32} << 20;
  // How long publish() and loan() poll by themselves for room in that window; 0: they return would_block.
  std::chrono::milliseconds wait{0};
  // Of one partition. An idempotent publisher keeps to 5: so many the broker recognizes when they are sent again.
  std::size_t batches_in_flight_max = 5;
  std::size_t batch_bytes_max = std::size_t{64} << 10;  // of those that are collected; a larger record goes alone
  std::chrono::milliseconds loan_timeout{30'000};
  // Loans give space in the channel's ring itself, where there is room: the value is never copied on this side. Not
  // with `idempotent`, which keeps what it may have to send again. While such a loan is open, nothing that was
  // published after it leaves this session, whatever its topic; so it expires after the heartbeat at the latest, and
  // one that does costs the session its connection, which is made again.
  bool loans_in_ring = false;
  bool create_topics = true;  // where the broker does so
  bool want_stages = false;   // for measuring: see SubscriberOptions::on_stages

  // Called from poll() and flush(), and from publish() when it waits. May publish.
  std::function<void(const Acknowledgement&)> on_acknowledged{};
};

// Space for one record's value, in which it is constructed in place. Sent, or abandoned: by abandon(), by destruction,
// or because it was held for longer than loan_timeout; its memory stays valid while the loan lives. Loans of a
// partition leave in the order they were taken: what was taken or published for it behind a loan waits for it.
class Loan {
 public:
  Loan(Loan&&) noexcept;
  Loan& operator=(Loan&&) noexcept;
  ~Loan();

  // The value: as many bytes as were asked for. Until send() or abandon().
  std::span<std::byte> value() const;

  // The ticket of its acknowledgement. `expired`: it had been held for too long; nothing is sent.
  Result<std::uint64_t> send();
  void abandon();

 private:
  friend class Publisher;
  Loan(std::shared_ptr<client::Outgoing> outgoing, client::OutgoingBatch* batch);

  std::shared_ptr<client::Outgoing> outgoing_;
  client::OutgoingBatch* batch_;
};

class Publisher {
 public:
  Publisher(Publisher&&) noexcept;
  Publisher& operator=(Publisher&&) noexcept;
  ~Publisher();  // flushes nothing; what was not acknowledged may or may not be stored

  // Copies the record; the ticket of its acknowledgement, which rises with each publish. The first publish to a topic
  // asks the broker about it, and waits for the answer.
  Result<std::uint64_t> publish(std::string_view topic, const Record& record);

  // `record.value` is not looked at: the loan gives space for one of `value_bytes`.
  Result<Loan> loan(std::string_view topic, std::size_t value_bytes, const Record& record = {});

  // Asks about the topic now, and not with the first publish. Its partitions.
  Result<std::int32_t> open(std::string_view topic);

  // Polls until everything is acknowledged, at most for `timeout`. The first error since the last flush, if there was
  // one. Not from within a callback.
  Result<void> flush(std::chrono::milliseconds timeout);

  std::size_t unacknowledged_records() const;
  std::size_t unacknowledged_bytes() const;

 private:
  friend class Session;
  explicit Publisher(std::shared_ptr<client::Outgoing> outgoing);

  std::shared_ptr<client::Outgoing> outgoing_;
};

}  // namespace cms
