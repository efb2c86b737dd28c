// SPDX-License-Identifier: Apache-2.0
// What every message must stand, whatever the bytes: it is refused with an error, or what was read is written and read
// again as the same.
#pragma once

#include <string>

#include "base/check.h"
#include "protocol/header.h"
#include "protocol/messages.h"
#include "protocol/testing/bytes.h"

namespace cms::protocol::testing {

// `reused` keeps what an earlier call has left in it.
template <Message T>
void reads_the_same_again(base::ByteSpan body, Version version, T& reused) {
  const base::Result<void> outcome = read(body, version, reused);
  if (!outcome) return;
  const std::vector<std::byte> bytes = written(reused, version);
  T again;
  CHECK(read(bytes, version, again).ok());
  CHECK(again == reused);
  CHECK(to_text(again, version) == to_text(reused, version));
}

}  // namespace cms::protocol::testing
