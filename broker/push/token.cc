// SPDX-License-Identifier: Apache-2.0
#include "broker/push/token.h"

#include <sys/random.h>

#include <cerrno>

namespace cms::broker::push {

base::Result<base::Uuid> new_token() {
  base::Uuid token;
  while (token.is_zero()) {
    if (::getrandom(token.bytes.data(), token.bytes.size(), 0) != static_cast<ssize_t>(token.bytes.size())) {
      return base::Error::from_errno(errno, "asking the system for random bytes");
    }
  }
  return token;
}

}  // namespace cms::broker::push
