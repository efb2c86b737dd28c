// SPDX-License-Identifier: Apache-2.0
#include "client/answers.h"

namespace cms::client {

namespace {

using base::ErrorKind;
using protocol::ErrorCode;

ErrorKind kind_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::unknown_topic_or_partition:
    case ErrorCode::unknown_topic_id:
    case ErrorCode::offset_out_of_range:
    case ErrorCode::resource_not_found:
    case ErrorCode::group_id_not_found:
      return ErrorKind::not_found;
    case ErrorCode::topic_already_exists:
      return ErrorKind::exists;
    case ErrorCode::topic_authorization_failed:
    case ErrorCode::cluster_authorization_failed:
    case ErrorCode::group_authorization_failed:
      return ErrorKind::denied;
    case ErrorCode::unsupported_version:
      return ErrorKind::unsupported;
    default:
      return ErrorKind::invalid;
  }
}

}  // namespace

base::Error refusal(ErrorCode code, const std::optional<std::string>& message) {
  std::string text = message && !message->empty() ? *message : std::string(protocol::message_of(code));
  return {kind_of(code), text + " (" + std::string(protocol::name_of(code)) + ")"};
}

bool is_passing(ErrorCode code) {
  return code == ErrorCode::coordinator_not_available || code == ErrorCode::coordinator_load_in_progress ||
         code == ErrorCode::not_coordinator;
}

bool is_unreachable(const base::Error& error) {
  return error.kind() == ErrorKind::io || error.kind() == ErrorKind::busy || error.kind() == ErrorKind::closed;
}

}  // namespace cms::client
