// SPDX-License-Identifier: Apache-2.0
#include <cms/publisher.h>

#include <utility>

#include "client/native/outgoing.h"

namespace cms {

Loan::Loan(std::shared_ptr<client::Outgoing> outgoing, client::OutgoingBatch* batch)
    : outgoing_(std::move(outgoing)), batch_(batch) {}

Loan::Loan(Loan&& other) noexcept
    : outgoing_(std::move(other.outgoing_)), batch_(std::exchange(other.batch_, nullptr)) {}

Loan& Loan::operator=(Loan&& other) noexcept {
  std::swap(outgoing_, other.outgoing_);
  std::swap(batch_, other.batch_);
  return *this;
}

Loan::~Loan() { abandon(); }

std::span<std::byte> Loan::value() const { return batch_ == nullptr ? std::span<std::byte>() : batch_->value; }

Result<std::uint64_t> Loan::send() {
  if (batch_ == nullptr) return Error{Code::invalid, "the loan was sent or abandoned before", 0};
  return outgoing_->send(std::exchange(batch_, nullptr));
}

void Loan::abandon() {
  if (batch_ != nullptr) outgoing_->abandon(std::exchange(batch_, nullptr));
}

Publisher::Publisher(std::shared_ptr<client::Outgoing> outgoing) : outgoing_(std::move(outgoing)) {}
Publisher::Publisher(Publisher&&) noexcept = default;
Publisher& Publisher::operator=(Publisher&& other) noexcept {
  std::swap(outgoing_, other.outgoing_);
  return *this;
}
Publisher::~Publisher() {
  if (outgoing_) outgoing_->close();
}

Result<std::uint64_t> Publisher::publish(std::string_view topic, const Record& record) {
  return outgoing_->publish(topic, record);
}

Result<Loan> Publisher::loan(std::string_view topic, std::size_t value_bytes, const Record& record) {
  const Result<client::OutgoingBatch*> batch = outgoing_->loan(topic, value_bytes, record);
  if (!batch) return batch.error();
  return Loan(outgoing_, *batch);
}

Result<std::int32_t> Publisher::open(std::string_view topic) { return outgoing_->open(topic); }
Result<void> Publisher::flush(std::chrono::milliseconds timeout) { return outgoing_->flush(timeout); }
std::size_t Publisher::unacknowledged_records() const { return outgoing_->unacknowledged_records(); }
std::size_t Publisher::unacknowledged_bytes() const { return outgoing_->unacknowledged_bytes(); }

}  // namespace cms
