// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <cerrno>
#include <system_error>

namespace cms::base {

namespace {

ErrorKind kind_of_errno(int code) {
  switch (code) {
    case ENOENT:
      return ErrorKind::not_found;
    case EEXIST:
      return ErrorKind::exists;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorKind::denied;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return ErrorKind::full;
    case EAGAIN:
      return ErrorKind::busy;
    case ENOSYS:
    case EOPNOTSUPP:
      return ErrorKind::unsupported;
    case ECONNRESET:
    case EPIPE:
      return ErrorKind::closed;
    default:
      return ErrorKind::io;
  }
}

}  // namespace

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid:
      return "invalid";
    case ErrorKind::corrupt:
      return "corrupt";
    case ErrorKind::not_found:
      return "not found";
    case ErrorKind::exists:
      return "exists";
    case ErrorKind::busy:
      return "busy";
    case ErrorKind::full:
      return "full";
    case ErrorKind::denied:
      return "denied";
    case ErrorKind::io:
      return "io";
    case ErrorKind::closed:
      return "closed";
    case ErrorKind::unsupported:
      return "unsupported";
  }
  return "unknown";
}

Error Error::from_errno(int code, std::string_view action) {
  Error error(kind_of_errno(code), std::string(action) + ": " + std::system_category().message(code));
  error.system_code_ = code;
  return error;
}

Error Error::while_doing(std::string_view action) const {
  Error error(kind_, std::string(action) + ": " + message_);
  error.system_code_ = system_code_;
  return error;
}

}  // namespace cms::base
