// SPDX-License-Identifier: Apache-2.0
#include "broker/push/publications.h"

#include "broker/push/access.h"
#include "broker/push/push_core.h"
#include "broker/push/session.h"

namespace cms::broker::push {

namespace messages = protocol::push;

PutQueue::PutQueue(Session& session, std::shared_ptr<Partition> partition, std::size_t& unanswered)
    : session_(session), partition_(std::move(partition)), unanswered_(unanswered) {}

PutQueue::~PutQueue() {
  if (partition_ != nullptr) partition_->forget(*this);
}

void PutQueue::add(const messages::Put& put, const AppendOutcome& outcome) {
  if (outcome.error == ErrorCode::none && outcome.stable) stable_ = std::max(stable_, outcome.end_offset);
  puts_.push_back({.put_id = put.put_id,
                   .base_offset = outcome.base_offset,
                   .end_offset = outcome.end_offset,
                   .log_append_time_ms = outcome.log_append_time_ms,
                   .publication = put.publication,
                   .error = outcome.error,
                   .only_failure = (put.flags & messages::Put::no_result) != 0});
  ++unanswered_;
  used_ = true;
  session_.list(*this);
}

// Under the partition's lock, on any thread.
bool PutQueue::reached(Partition&, Offset) {
  told_.store(true, std::memory_order_release);
  session_.list(*this);
  return true;
}

void PutQueue::lost(ErrorCode) {
  told_.store(true, std::memory_order_release);
  session_.list(*this);
}

// What has become of the partition since.
void PutQueue::look() {
  stable_ = partition_->positions().stable;
  failed_ = partition_->state();
}

Source::Step PutQueue::step(Outlet& outlet) {
  if (waiting_ && told_.exchange(false, std::memory_order_acquire)) {
    waiting_ = false;
    look();
  }
  while (first_ < puts_.size()) {
    Unanswered& put = puts_[first_];
    if (put.error == ErrorCode::none && put.end_offset > stable_) {
      if (waiting_) return Step::idle;
      if (failed_ == ErrorCode::none) {
        waiting_ = true;
        if (partition_->await_stable(*this, put.end_offset)) return Step::idle;
        waiting_ = false;
        look();  // it is stable already, or lost
        continue;
      }
      put.error = failed_;
    }
    if (!answer_first(outlet)) return Step::full;
  }
  return Step::idle;
}

bool PutQueue::has_rested() {
  if (std::exchange(used_, false) || waiting_ || first_ < puts_.size()) return false;
  if (partition_ != nullptr) partition_->forget(*this);  // behind whoever lists this just now
  return !ReadyList::has(*this);
}

bool PutQueue::answer_first(Outlet& outlet) {
  const Unanswered& put = puts_[first_];
  const bool failed = put.error != ErrorCode::none;
  if (failed || !put.only_failure) {
    messages::PutResult result;
    result.error = static_cast<std::int16_t>(put.error);
    result.publication = put.publication;
    result.put_id = put.put_id;
    result.base_offset = failed ? -1 : put.base_offset;
    result.log_append_time_ms = failed ? -1 : put.log_append_time_ms;
    const base::Bytes parts[] = {{nullptr, messages::bytes_of(result)}};
    if (!outlet.offer(parts)) return false;
  }
  if (failed) session_.metrics().refused_puts.add();
  drop_first();
  return true;
}

void PutQueue::drop_first() {
  --unanswered_;
  ++first_;
  if (first_ == puts_.size()) {
    puts_.clear();
    first_ = 0;
  } else if (first_ >= 1024 && first_ * 2 > puts_.size()) {
    puts_.erase(puts_.begin(), puts_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void Publications::open(std::int32_t number, const Topic& topic) {
  opened_.emplace(static_cast<std::uint32_t>(number), Publication{topic.id(), nullptr, 0});
}

std::string Publications::put(const messages::Put& header, base::ByteSpan piece, bool shared) {
  const auto opened = opened_.find(header.publication);
  if (opened == opened_.end()) return "a put to a publication that is not open";
  const bool whole = header.piece_offset == 0 && piece.size() == header.batch_bytes;
  if (is_assembling_ || !whole) return add_piece(header, opened->second, piece);
  append(header, opened->second, piece, shared);
  return {};
}

const TopicHandle& Publications::topic_of(Publication& publication) {
  const Topics& topics = session_.owner().topics();
  if (const std::uint64_t version = topics.version(); version != publication.version) {
    publication.topic = topics.find(publication.id);
    publication.version = version;
  }
  return publication.topic;
}

void Publications::forget_unused() {
  const std::uint64_t version = session_.owner().topics().version();
  for (auto& [number, publication] : opened_) {
    if (publication.version != version) publication.topic.reset();  // and is looked for by the next put
  }
  std::erase_if(queues_, [](const auto& queue) { return queue.second->has_rested(); });
}

std::string Publications::add_piece(const messages::Put& header, Publication& publication, base::ByteSpan piece) {
  if (!is_assembling_) {
    if (header.piece_offset != 0) return "the first piece of a put is missing";
    const TopicHandle& topic = topic_of(publication);
    const auto bytes_max = topic == nullptr ? 0 : static_cast<std::size_t>(topic->config->max_message_bytes);
    assembling_ = header;
    is_assembling_ = true;
    is_skipping_ = header.batch_bytes > bytes_max;
    assembled_.clear();
  }
  const bool continues = header.publication == assembling_.publication && header.put_id == assembling_.put_id &&
                         header.partition == assembling_.partition && header.batch_bytes == assembling_.batch_bytes &&
                         header.piece_offset == assembling_.piece_offset;
  if (!continues || piece.empty() || piece.size() > header.batch_bytes - header.piece_offset) {
    return "a piece of a put is not where the last one ended";
  }
  assembling_.piece_offset += static_cast<std::uint32_t>(piece.size());
  if (!is_skipping_) assembled_.insert(assembled_.end(), piece.begin(), piece.end());
  if (assembling_.piece_offset < assembling_.batch_bytes) return {};
  is_assembling_ = false;
  if (is_skipping_) {
    refuse(assembling_, topic_of(publication), ErrorCode::message_too_large);
  } else {
    append(assembling_, publication, assembled_, false);
  }
  constexpr std::size_t kept_bytes_max = 1 << 20;
  if (assembled_.capacity() > kept_bytes_max) std::vector<std::byte>().swap(assembled_);
  return {};
}

void Publications::append(const messages::Put& header, Publication& publication, base::ByteSpan batch, bool shared) {
  session_.count_put();
  const TopicHandle& topic = topic_of(publication);
  if (topic == nullptr) return refuse(header, topic, ErrorCode::unknown_topic_id);
  if (!may_write(session_.peer(), *topic)) return refuse(header, topic, ErrorCode::topic_authorization_failed);
  if (topic->partition(header.partition) == nullptr) {
    return refuse(header, topic, ErrorCode::unknown_topic_or_partition);
  }
  BatchAppender& appender = session_.owner().appender();
  const AppendOutcome outcome = shared ? appender.append_shared(session_.core(), *topic, header.partition, batch, {})
                                       : appender.append(session_.core(), *topic, header.partition, batch, {});
  if (outcome.error != ErrorCode::none) {
    appender.count_refused();
  } else if ((header.flags & messages::Put::want_stages) != 0) {
    session_.owner().stamps().note(*topic->partition(header.partition), outcome.base_offset, monotonic_ns());
  }
  queue_of(topic->partitions[static_cast<std::size_t>(header.partition)]).add(header, outcome);
}

// Answered behind the puts before it to the same partition, if there is such a one.
void Publications::refuse(const messages::Put& header, const TopicHandle& topic, ErrorCode error) {
  AppendOutcome outcome;
  outcome.error = error;
  const bool has_partition = topic != nullptr && topic->partition(header.partition) != nullptr;
  queue_of(has_partition ? topic->partitions[static_cast<std::size_t>(header.partition)] : nullptr)
      .add(header, outcome);
}

PutQueue& Publications::queue_of(const std::shared_ptr<Partition>& partition) {
  std::unique_ptr<PutQueue>& queue = queues_[partition.get()];
  if (queue == nullptr) queue = std::make_unique<PutQueue>(session_, partition, unanswered_);
  return *queue;
}

void Publications::clear() {
  queues_.clear();
  opened_.clear();
  unanswered_ = 0;
}

}  // namespace cms::broker::push
