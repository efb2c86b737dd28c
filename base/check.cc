// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace cms::base {

void check_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "fatal: CHECK failed: %s at %s:%d. This is a defect of the broker; please report it.\n",
               expression, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace cms::base
