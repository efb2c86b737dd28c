// SPDX-License-Identifier: Apache-2.0
// CHECK: what only we can have done wrong. On in release; it prints where and what, and aborts, because going on could
// store or deliver something false. Never for what a client sends or what the world does.
#pragma once

namespace cms::base {

[[noreturn]] void check_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace cms::base

#define CHECK(expression) \
  (__builtin_expect(!!(expression), 1) ? void(0) : ::cms::base::check_failed(#expression, __FILE__, __LINE__))
