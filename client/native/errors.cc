// SPDX-License-Identifier: Apache-2.0
#include "client/native/errors.h"

#include <cerrno>

#include "client/answers.h"

namespace cms::client {

namespace {

Code code_for(const base::Error& error) {
  switch (error.kind()) {
    case base::ErrorKind::invalid:
      return Code::invalid;
    case base::ErrorKind::corrupt:
      return Code::corrupt;
    case base::ErrorKind::not_found:
      return Code::not_found;
    case base::ErrorKind::busy:
      return Code::timed_out;
    case base::ErrorKind::denied:
      return Code::denied;
    case base::ErrorKind::unsupported:
      return Code::unsupported;
    case base::ErrorKind::full:
      return Code::would_block;
    case base::ErrorKind::exists:
      return Code::refused;
    case base::ErrorKind::io:
    case base::ErrorKind::closed:
      return Code::lost;
  }
  return Code::refused;
}

Code code_for(protocol::ErrorCode code) {
  using protocol::ErrorCode;
  switch (code) {
    case ErrorCode::unknown_topic_or_partition:
    case ErrorCode::unknown_topic_id:
    case ErrorCode::group_id_not_found:
    case ErrorCode::unknown_subscription_id:
      return Code::not_found;
    case ErrorCode::topic_authorization_failed:
    case ErrorCode::group_authorization_failed:
    case ErrorCode::cluster_authorization_failed:
      return Code::denied;
    case ErrorCode::unsupported_version:
      return Code::unsupported;
    case ErrorCode::message_too_large:
    case ErrorCode::record_list_too_large:
      return Code::too_large;
    case ErrorCode::corrupt_message:
      return Code::corrupt;
    case ErrorCode::request_timed_out:
      return Code::timed_out;
    default:
      return Code::refused;
  }
}

}  // namespace

cms::Error told(const base::Error& error) { return {code_for(error), error.message(), 0}; }

cms::Error told(protocol::ErrorCode code, const std::optional<std::string>& message, std::string_view doing) {
  return {code_for(code), std::string(doing) + ": " + refusal(code, message).message(),
          static_cast<std::int16_t>(code)};
}

}  // namespace cms::client
