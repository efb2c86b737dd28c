// SPDX-License-Identifier: Apache-2.0
#include <cms/subscriber.h>

#include <utility>

#include "client/native/incoming.h"

namespace cms {

// The bytes were read once already, whole, and were well formed.
void Headers::Iterator::read() {
  if (left_ == 0) return;
  const records::HeaderRange range(rest_, static_cast<std::int32_t>(left_));
  const auto first = range.begin();
  header_.key = first->key;
  header_.value = first->value ? std::optional<View>(*first->value) : std::nullopt;
  const auto* const end = reinterpret_cast<const std::byte*>(
      first->value ? reinterpret_cast<const char*>(first->value->data()) + first->value->size()
                   : first->key.data() + first->key.size() + 1);  // a length of -1 is one byte
  rest_ = rest_.subspan(static_cast<std::size_t>(end - rest_.data()));
}

bool ReceivedRecord::still_whole() const {
  return generation_at == nullptr || client::InPlace{{}, generation_at, generation}.is_whole();
}

Subscriber::Subscriber(std::shared_ptr<client::Incoming> incoming) : incoming_(std::move(incoming)) {}
Subscriber::Subscriber(Subscriber&&) noexcept = default;
Subscriber& Subscriber::operator=(Subscriber&&) noexcept = default;
Subscriber::~Subscriber() = default;

Result<std::uint32_t> Subscriber::subscribe(const Subscription& subscription) {
  return incoming_->subscribe(subscription);
}
Result<void> Subscriber::unsubscribe(std::uint32_t subscription) { return incoming_->unsubscribe(subscription); }
Result<void> Subscriber::seek(std::uint32_t subscription, const Start& start) {
  return incoming_->seek(subscription, start);
}
Result<const ReceivedRecord*> Subscriber::next(std::chrono::milliseconds timeout) { return incoming_->next(timeout); }
std::uint64_t Subscriber::gaps() const { return incoming_->gaps(); }
Result<void> Subscriber::commit(const std::string& group) { return incoming_->commit(group); }
std::map<std::pair<std::string, std::int32_t>, std::int64_t> Subscriber::positions() const {
  return incoming_->positions();
}

}  // namespace cms
