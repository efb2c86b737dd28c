// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/produce.h"

#include <algorithm>
#include <chrono>

namespace cms::broker {

using protocol::ProduceRequest;
using protocol::ProduceResponse;

namespace {

// The first version whose clients may send zstd (KIP-110).
constexpr protocol::Version zstd_since = 7;

void reset(ProduceResponse::Partition& answer, std::int32_t index) {
  answer.index = index;
  answer.error_code = ErrorCode::none;
  answer.base_offset = -1;
  answer.log_append_time_ms = -1;
  answer.log_start_offset = -1;
  answer.record_errors.clear();
  answer.error_message.reset();
  answer.current_leader = {};
}

void refuse(ProduceResponse::Partition& answer, ErrorCode error, std::string message = {}) {
  answer.error_code = error;
  answer.base_offset = -1;
  answer.log_start_offset = -1;
  answer.error_message = message.empty() ? std::optional<std::string>{} : std::move(message);
}

}  // namespace

// Waits for the partitions of one request whose records are appended and not yet stable.
class PendingProduce final : public Pending, private Deadline {
 public:
  PendingProduce(Core& core, protocol::Version version, std::int32_t correlation_id, std::int16_t acks,
                 ProduceResponse response, const std::vector<ProduceHandler::Wait>& waits)
      : Pending(core),
        version_(version),
        correlation_id_(correlation_id),
        acks_(acks),
        response_(std::move(response)),
        remaining_(waits.size() + 1) {
    waiters_.reserve(waits.size());
    for (const ProduceHandler::Wait& wait : waits) waiters_.emplace_back(*this, wait);
  }

  ~PendingProduce() override { let_go(); }

  // After construction, when shared pointers to this exist.
  void begin(std::chrono::milliseconds timeout) {
    core().deadlines().add(*this, std::chrono::steady_clock::now() + timeout);
    for (Waiter& waiter : waiters_) {
      if (waiter.wait.partition->await_stable(waiter, waiter.wait.until)) continue;
      waiter.error = waiter.wait.partition->state();
      one_less();
    }
    one_less();
  }

  void answer(protocol::FrameBuffer& out) override {
    let_go();
    for (const Waiter& waiter : waiters_) {
      auto& answer = response_.responses[waiter.wait.topic_index].partition_responses[waiter.wait.partition_index];
      ErrorCode error = waiter.error;
      if (error == ErrorCode::none && !waiter.reached_it &&
          waiter.wait.partition->positions().stable < waiter.wait.until) {
        error = ErrorCode::request_timed_out;
      }
      if (error != ErrorCode::none) refuse(answer, error);
    }
    if (acks_ != 0) protocol::write_response(version_, correlation_id_, response_, out);
  }

 private:
  struct Waiter final : StableWaiter {
    Waiter(PendingProduce& pending, ProduceHandler::Wait waits_for) : owner(&pending), wait(std::move(waits_for)) {}

    bool reached(Partition&, Offset) override {
      reached_it = true;
      owner->one_less();
      return true;
    }
    void lost(ErrorCode why) override {
      error = why;
      owner->one_less();
    }

    PendingProduce* owner;
    ProduceHandler::Wait wait;
    // Written under the partition's lock; read after forget(), which takes it.
    bool reached_it = false;
    ErrorCode error = ErrorCode::none;
  };

  void one_less() {
    if (remaining_.fetch_sub(1, std::memory_order_acq_rel) == 1) wake();
  }
  void expired() override { wake(); }
  void let_go() {
    for (Waiter& waiter : waiters_) waiter.wait.partition->forget(waiter);
  }

  const protocol::Version version_;
  const std::int32_t correlation_id_;
  const std::int16_t acks_;
  ProduceResponse response_;
  std::vector<Waiter> waiters_;
  std::atomic<std::size_t> remaining_;
};

Served ProduceHandler::serve(Core& core, const RequestContext& context, base::ByteSpan body,
                             protocol::FrameBuffer& out) {
  if (const auto parsed = protocol::read(body, context.version(), request_); !parsed) {
    return Served::refuse(parsed.error().message());
  }
  waits_.clear();
  any_failed_ = false;
  append_all(core, context);
  if (waits_.empty()) {
    if (request_.acks == 0) {
      // There is no response to put the error into: closing tells the client to look at its metadata again.
      return any_failed_ ? Served::refuse("a batch sent with acks=0 was refused") : Served::silent();
    }
    protocol::write_response(context.version(), context.header.correlation_id, response_, out);
    return Served::answered();
  }
  auto pending = std::make_shared<PendingProduce>(core, context.version(), context.header.correlation_id, request_.acks,
                                                  std::move(response_), waits_);
  response_ = {};
  waits_.clear();
  pending->begin(std::chrono::milliseconds(std::max(request_.timeout_ms, 0)));
  return Served::later(std::move(pending));
}

void ProduceHandler::append_all(Core& core, const RequestContext& context) {
  const bool by_id = context.version() >= 13;
  const bool acks_known = request_.acks >= -1 && request_.acks <= 1;
  response_.responses.resize(request_.topic_data.size());
  for (std::size_t i = 0; i < request_.topic_data.size(); ++i) {
    const ProduceRequest::Topic& wanted = request_.topic_data[i];
    ProduceResponse::Topic& answer = response_.responses[i];
    answer.name = wanted.name;
    answer.topic_id = wanted.topic_id;
    const TopicHandle topic = by_id ? topics_.find(wanted.topic_id) : topics_.find(wanted.name);
    answer.partition_responses.resize(wanted.partition_data.size());
    for (std::size_t j = 0; j < wanted.partition_data.size(); ++j) {
      ProduceResponse::Partition& partition = answer.partition_responses[j];
      reset(partition, wanted.partition_data[j].index);
      if (!acks_known) {
        refuse(partition, ErrorCode::invalid_required_acks);
      } else if (topic == nullptr) {
        refuse(partition, by_id ? ErrorCode::unknown_topic_id : ErrorCode::unknown_topic_or_partition);
      } else {
        append_one(core, context, topic, wanted.partition_data[j], partition, i, j);
      }
      if (partition.error_code != ErrorCode::none) {
        any_failed_ = true;
        appender_.count_refused();
      }
    }
  }
}

void ProduceHandler::append_one(Core& core, const RequestContext& context, const TopicHandle& topic,
                                const ProduceRequest::Partition& wanted, ProduceResponse::Partition& answer,
                                std::size_t topic_index, std::size_t partition_index) {
  AppendOutcome outcome =
      appender_.append(core, *topic, wanted.index, wanted.records.bytes(),
                       {.wait_for_all = request_.acks == -1, .zstd_allowed = context.version() >= zstd_since});
  if (outcome.error != ErrorCode::none) {
    for (records::RecordFault& fault : appender_.faults()) {
      answer.record_errors.push_back({fault.index, std::move(fault.message)});
    }
    return refuse(answer, outcome.error, std::move(outcome.message));
  }
  answer.base_offset = outcome.base_offset;
  answer.log_append_time_ms = outcome.log_append_time_ms;
  answer.log_start_offset = outcome.log_start_offset;
  if (!outcome.stable && (request_.acks == -1 || outcome.congested)) {
    waits_.push_back({topic, topic->partition(wanted.index), outcome.end_offset, topic_index, partition_index});
  }
}

}  // namespace cms::broker
