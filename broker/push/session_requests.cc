// SPDX-License-Identifier: Apache-2.0
// What a native client asks its session for by requests, and what of streams does not lie on the data path.
#include <boost/asio/post.hpp>

#include "base/log.h"
#include "broker/push/access.h"
#include "broker/push/session.h"
#include "records/iterate.h"
#include "records/lookup.h"

namespace cms::broker::push {

namespace {

Session::Outcome refused(ErrorCode error, std::string message) { return {error, std::move(message), 0}; }

// The first readable record at or after a time; where nothing is yet: behind all. Blocks.
Offset offset_at_time(Partition& partition, std::int64_t time_ms) {
  records::RecordReader reader;
  const Positions positions = partition.positions();
  Offset from = positions.start;
  // The batch that the log start lies in may be cut: then the next one has it.
  for (int looks = 0; looks < 2; ++looks) {
    const auto batch = partition.batch_at_time(time_ms, from);
    if (!batch || !*batch) break;
    const auto view = records::BatchView::frame((*batch)->span());
    CHECK(view);  // the log gives out whole batches
    const auto found = records::find_time(*view, time_ms, {positions.start, positions.stable}, reader);
    if (!found) break;
    if (*found) return (*found)->offset;
    from = view->next_offset();
  }
  return positions.stable;
}

}  // namespace

Session::Outcome Session::subscribe(Subscription::Settings settings) {
  const std::int32_t number = settings.number;
  if (subscriptions_.contains(number)) {
    return refused(ErrorCode::duplicate_resource, "the channel has a subscription " + std::to_string(number));
  }
  if (subscriptions_.size() >= static_cast<std::size_t>(owner_.options().push_subscriptions_max)) {
    return refused(ErrorCode::policy_violation, "the channel has as many as push.subscriptions.per.channel.max allows");
  }
  auto made = std::make_unique<Subscription>(*this, std::move(settings));
  Subscription& subscription = *made;
  subscriptions_.emplace(number, std::move(made));
  metrics().subscriptions.add(1);
  owner_.watch(subscription);
  Outcome outcome = open_streams(subscription);
  if (outcome.error != ErrorCode::none) unsubscribe(number);
  return outcome;
}

Session::Outcome Session::open_streams(Subscription& subscription) {
  bool fits = true;
  const TopicPattern& pattern = subscription.pattern();
  if (pattern.kind == TopicPattern::Kind::exact) {
    const TopicHandle topic = owner_.topics().find(pattern.text);
    if (topic != nullptr && !may_read(peer_, *topic)) {
      return refused(ErrorCode::topic_authorization_failed, {});
    }
    if (topic != nullptr) fits = subscription.open(topic);
  } else {
    for (const TopicHandle& topic : owner_.topics().all()) {
      if (fits && pattern.matches(topic->name())) fits = subscription.open(topic);
    }
  }
  if (!fits) {
    return refused(ErrorCode::policy_violation,
                   "the topics have more partitions than push.streams.per.channel.max allows");
  }
  return {ErrorCode::none, {}, static_cast<std::int32_t>(subscription.streams().size())};
}

Session::Outcome Session::unsubscribe(std::int32_t number) {
  const auto found = subscriptions_.find(number);
  if (found == subscriptions_.end()) {
    return refused(ErrorCode::resource_not_found, "the channel has no subscription " + std::to_string(number));
  }
  owner_.unwatch(*found->second);
  found->second->close(ErrorCode::none);
  subscriptions_.erase(found);
  metrics().subscriptions.add(-1);
  return {};
}

Session::Outcome Session::seek(std::int32_t number, const std::vector<std::int32_t>& streams, protocol::StartAt start,
                               std::int64_t value) {
  const auto found = subscriptions_.find(number);
  if (found == subscriptions_.end()) {
    return refused(ErrorCode::resource_not_found, "the channel has no subscription " + std::to_string(number));
  }
  if (start == protocol::StartAt::committed) {
    return refused(ErrorCode::invalid_request, "a seek cannot begin at committed offsets");
  }
  // Topics that exist but have not joined yet are moved too, rather than begin where they do when they join. What does
  // not fit is not told when it joins either.
  if (streams.empty()) open_streams(*found->second);
  // Streams that are being closed wait for room in the channel.
  const std::size_t bound = 2 * static_cast<std::size_t>(owner_.options().push_streams_max);
  if (streams_.size() + found->second->streams().size() > bound) {
    return refused(ErrorCode::policy_violation, "earlier seeks are not finished");
  }
  if (!found->second->seek(streams, start, value)) {
    return refused(ErrorCode::resource_not_found, "a stream listed is not of this subscription");
  }
  return {};
}

Session::Outcome Session::may_open_publication(std::int32_t number) const {
  if (publications_.contains(number)) {
    return refused(ErrorCode::duplicate_resource, "the channel has a publication " + std::to_string(number));
  }
  if (publications_.size() >= static_cast<std::size_t>(owner_.options().push_publications_max)) {
    return refused(ErrorCode::policy_violation, "the channel has as many as push.publications.per.channel.max allows");
  }
  return {};
}

void Session::open_publication(std::int32_t number, const Topic& topic) {
  publications_.open(number, topic);
  metrics().publications.add(1);
}

void Session::rules_changed() {
  std::vector<Stream*> forbidden;
  for (const auto& [number, stream] : streams_) {
    if (stream->subscription() != nullptr && !may_read(peer_, stream->topic())) forbidden.push_back(stream.get());
  }
  for (Stream* const stream : forbidden) lost(*stream, ErrorCode::topic_authorization_failed);
}

Stream* Session::make_stream(Subscription& subscription, const TopicHandle& topic, std::int32_t partition) {
  if (streams_.size() >= static_cast<std::size_t>(owner_.options().push_streams_max)) return nullptr;
  const std::uint32_t number = ++last_stream_;
  auto stream = std::make_unique<Stream>(*this, subscription, number, topic, partition);
  metrics().streams.add(1);
  return streams_.emplace(number, std::move(stream)).first->second.get();
}

Stream* Session::replace_stream(Subscription& subscription, Stream& stream) {
  const std::uint32_t number = ++last_stream_;
  auto next = std::make_unique<Stream>(*this, subscription, number, stream.shared_topic(), stream.index());
  stream.close(ErrorCode::none);
  metrics().streams.add(1);
  return streams_.emplace(number, std::move(next)).first->second.get();
}

void Session::streams_are_full() {
  if (std::exchange(streams_full_told_, true)) return;
  base::log_warning("a subscriber is not told of new partitions: its channel has as many as it may", "peer",
                    peer_.address, "remedy", "raise push.streams.per.channel.max");
}

// Also of a stream that had its turn just now.
void Session::lost(Stream& stream, ErrorCode why) {
  if (stream.subscription() != nullptr) stream.subscription()->forget(stream);
  const bool is_replaced = why == ErrorCode::not_leader_or_follower;  // its durability changes: it never had a record
  if (is_replaced) owner_.look_again(stream.topic().id());
  stream.close(is_replaced ? ErrorCode::none : why);
}

void Session::locate(Stream& stream, std::int64_t time_ms) {
  const auto found = [session = shared(), number = stream.number()](Offset offset) {
    if (session->connection_ == nullptr) return;
    const auto located = session->streams_.find(number);
    if (located != session->streams_.end()) located->second->begin(offset);
    session->core().end_of_turn();
  };
  owner_.run_on_worker([found, partition = stream.partition(), time_ms, core = &core()] {
    const Offset offset = offset_at_time(*partition, time_ms);
    boost::asio::post(core->loop(), [found, offset] { found(offset); });
  });
}

bool Session::take_cold_place(Stream& stream) {
  if (cold_places_free_ == 0) {
    if (!std::exchange(stream.is_queued, true)) waiting_for_cold_place_.push_back(&stream);
    return false;
  }
  --cold_places_free_;
  metrics().cold_reads.add();
  return true;
}

void Session::give_cold_place(bool held) {
  if (!held) return;
  ++cold_places_free_;
  for (Stream* const stream : waiting_for_cold_place_) {
    stream->is_queued = false;
    list(*stream);
  }
  waiting_for_cold_place_.clear();
}

}  // namespace cms::broker::push
