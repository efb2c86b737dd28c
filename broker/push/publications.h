// SPDX-License-Identifier: Apache-2.0
// The publishing side of a session: topics opened to put records to, batches on their way in, and puts that wait for
// their answer.
//
// A put is appended at once, on the session's core; its answer waits until its records are what the topic promises, in
// the order of the puts to the same partition. Unanswered ones are bounded by the session, which takes no messages
// while they are too many.
//
// The session's core.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/push/source.h"
#include "broker/topics/topics.h"
#include "protocol/push/messages.h"

namespace cms::broker::push {

class Session;

// Puts to one partition that are not answered yet, oldest first.
class PutQueue final : public Source {
 public:
  // `unanswered` counts those of the whole session. Without a partition: for puts to one that does not exist.
  PutQueue(Session& session, std::shared_ptr<Partition> partition, std::size_t& unanswered);
  ~PutQueue() override;

  // One more; its outcome is what the append has said.
  void add(const protocol::push::Put& put, const AppendOutcome& outcome);

  Step step(Outlet& outlet) override;

  // Whether nothing was put since this was asked last, all is answered, and nobody else knows of it: it may go, and its
  // hold on the partition's memory with it.
  bool has_rested();

 private:
  struct Unanswered {
    std::uint64_t put_id;
    Offset base_offset;
    Offset end_offset;
    std::int64_t log_append_time_ms;
    std::uint32_t publication;
    ErrorCode error;
    bool only_failure;  // no answer is wanted otherwise
  };

  bool reached(Partition& partition, Offset stable) override;
  void lost(ErrorCode why) override;
  void look();
  bool answer_first(Outlet& outlet);
  void drop_first();

  Session& session_;
  const std::shared_ptr<Partition> partition_;
  std::size_t& unanswered_;
  std::vector<Unanswered> puts_;  // from first_ on
  std::size_t first_ = 0;
  Offset stable_ = 0;                   // as far as it is known here
  ErrorCode failed_ = ErrorCode::none;  // what is not stable will not become it
  bool used_ = false;                   // since has_rested() was asked
  bool waiting_ = false;                // with the partition, or told and not looked yet

  // Any thread.
  std::atomic<bool> told_{false};
};

class Publications {
 public:
  explicit Publications(Session& session) : session_(session) {}

  std::size_t size() const { return opened_.size(); }
  bool contains(std::int32_t number) const { return opened_.contains(static_cast<std::uint32_t>(number)); }
  void open(std::int32_t number, const Topic& topic);

  // Puts that wait for their answer.
  std::size_t unanswered() const { return unanswered_; }

  // The message behind a Put header. `shared`: the client can write to it still. Not empty: which rule was broken.
  std::string put(const protocol::push::Put& header, base::ByteSpan piece, bool shared);

  // Lets go of topics that are not as they were found any more, and of partitions that were not put to since the last
  // time: a deleted topic's memory is kept until then.
  void forget_unused();

  // Nothing is answered any more.
  void clear();

 private:
  struct Publication {
    base::Uuid id;
    TopicHandle topic;          // as it was found last
    std::uint64_t version = 0;  // of all topics before that
  };

  const TopicHandle& topic_of(Publication& publication);
  void append(const protocol::push::Put& header, Publication& publication, base::ByteSpan batch, bool shared);
  PutQueue& queue_of(const std::shared_ptr<Partition>& partition);
  void refuse(const protocol::push::Put& header, const TopicHandle& topic, ErrorCode error);
  std::string add_piece(const protocol::push::Put& header, Publication& publication, base::ByteSpan piece);

  Session& session_;
  std::unordered_map<std::uint32_t, Publication> opened_;  // by the client's numbers
  std::unordered_map<Partition*, std::unique_ptr<PutQueue>> queues_;
  std::size_t unanswered_ = 0;

  // A batch that comes in pieces.
  protocol::push::Put assembling_;
  bool is_assembling_ = false;
  bool is_skipping_ = false;  // the batch is too large: its pieces are dropped
  std::vector<std::byte> assembled_;
};

}  // namespace cms::broker::push
