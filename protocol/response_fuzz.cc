// SPDX-License-Identifier: Apache-2.0
// Any bytes as the answer to any request: the first two say to which API and version, then comes the frame.
#include <cstddef>
#include <cstdint>

#include "protocol/testing/reread.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cms::protocol;
  if (size < 2) return 0;
  const auto api_key = static_cast<ApiKey>(data[0]);
  const auto version = static_cast<Version>(data[1]);
  const cms::base::ByteSpan frame{reinterpret_cast<const std::byte*>(data + 2), size - 2};
  std::int32_t correlation_id = 0;
  const auto body = read_response_header(frame, api_key, version, correlation_id);
  if (!body) return 0;
  for_each_api([&]<typename Pair>(Pair) {
    using Response = typename Pair::Response;
    static Response reused;
    if (Response::api_key == api_key) testing::reads_the_same_again(*body, version, reused);
  });
  return 0;
}
