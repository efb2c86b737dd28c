// SPDX-License-Identifier: Apache-2.0
// Any bytes as a request frame: the header says which API and version, as in the broker.
#include <cstddef>
#include <cstdint>

#include "protocol/testing/reread.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cms::protocol;
  const cms::base::ByteSpan frame{reinterpret_cast<const std::byte*>(data), size};
  static RequestHeader header;  // used again, as a connection does
  const auto body = read_request_header(frame, header);
  if (!body) return 0;
  for_each_api([&]<typename Pair>(Pair) {
    using Request = typename Pair::Request;
    static Request reused;
    if (Request::api_key == header.api_key) testing::reads_the_same_again(*body, header.api_version, reused);
  });
  return 0;
}
