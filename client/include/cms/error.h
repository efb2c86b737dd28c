// SPDX-License-Identifier: Apache-2.0
// How this library fails: by value. Nothing in it throws, except what the standard library throws when memory ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace cms {

enum class Code : std::uint8_t {
  invalid,      // the call makes no sense as it stands: a wrong name, an option out of its range
  not_found,    // a topic, a partition or a subscription that does not exist
  denied,       // no permission
  refused,      // the broker said no; Error::broker_code says how, in Kafka's numbers
  unsupported,  // this broker, this machine or this build cannot do it
  would_block,  // the window or the ring is full: poll, then try again. Nothing is wrong
  timed_out,    // it took longer than it was given; it may still happen
  expired,      // a loan was held for too long
  too_large,    // for the topic, or for the channel
  lost,         // the connection ended, and with it what was asked for; whether it happened is not known
  corrupt,      // what came is not what its format says
};

std::string_view to_string(Code code);

// The message is a whole sentence for people; the code is for programs.
struct Error {
  Code code = Code::invalid;
  std::string message;
  std::int16_t broker_code = 0;  // Kafka's error code behind it, if there is one
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return state_.index() == 0; }
  bool ok() const { return state_.index() == 0; }

  // Only of a result that is ok(), and error() only of one that is not.
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return !error_; }
  bool ok() const { return !error_; }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace cms
