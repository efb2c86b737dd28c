// SPDX-License-Identifier: Apache-2.0
// What the world did: a value, or an Error that says what failed and what was being done. Errors of a client's making
// are protocol::ErrorCode; errors of ours are CHECK.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"

namespace cms::base {

enum class ErrorKind {
  invalid,      // the input is not what its format says
  corrupt,      // stored bytes fail their checksum or their grammar
  not_found,    // the thing named does not exist
  exists,       // the thing named exists already
  busy,         // back-pressure: try again later; nothing is wrong
  full,         // no space left, or a bound was reached
  denied,       // no permission
  io,           // the device, the file system or the network failed
  closed,       // the other side, or the owner, has closed it
  unsupported,  // neither this build nor this machine can do it
};

std::string_view to_string(ErrorKind kind);

// [[nodiscard]] and cheap to move. The message reads from the outermost action inwards:
// "opening topic orders: reading 00000000000000000000.log: No space left on device".
class [[nodiscard]] Error {
 public:
  Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}

  // From errno, with the system's words for it.
  static Error from_errno(int code, std::string_view action);

  ErrorKind kind() const { return kind_; }
  const std::string& message() const { return message_; }
  int system_code() const { return system_code_; }  // errno, or 0

  // The same error with what the caller was doing put in front: "<action>: <message>".
  Error while_doing(std::string_view action) const;

 private:
  ErrorKind kind_;
  int system_code_ = 0;
  std::string message_;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return state_.index() == 0; }
  bool ok() const { return state_.index() == 0; }

  T& value() & { return get(); }
  const T& value() const& { return const_cast<Result*>(this)->get(); }
  T&& value() && { return std::move(get()); }
  T& operator*() & { return get(); }
  const T& operator*() const& { return const_cast<Result*>(this)->get(); }
  T&& operator*() && { return std::move(get()); }
  T* operator->() { return &get(); }
  const T* operator->() const { return &const_cast<Result*>(this)->get(); }

  const Error& error() const {
    CHECK(!ok());
    return *std::get_if<1>(&state_);
  }

 private:
  T& get() {
    CHECK(ok());
    return *std::get_if<0>(&state_);
  }

  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return state_.index() == 0; }
  bool ok() const { return state_.index() == 0; }
  const Error& error() const {
    CHECK(!ok());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<std::monostate, Error> state_;
};

}  // namespace cms::base
