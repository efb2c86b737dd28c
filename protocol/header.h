// SPDX-License-Identifier: Apache-2.0
// The headers between a frame's size and its message.
//
//   request  v1: api key int16, api version int16, correlation id int32, client id int16 length and bytes
//            v2: the same and a tag section; the client id is not compact here either
//   response v0: correlation id int32                v1: the same and a tag section
//
// The later ones go with flexible versions of the message; the ApiVersions response always has v0, because a client
// reads it before it knows what the broker speaks (KIP-511).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/check.h"
#include "base/result.h"
#include "protocol/api.h"
#include "protocol/codec.h"
#include "protocol/frame.h"
#include "protocol/version.h"

namespace cms::protocol {

struct RequestHeader {
  ApiKey api_key{};
  Version api_version = 0;
  std::int32_t correlation_id = 0;
  std::optional<std::string> client_id;

  bool operator==(const RequestHeader&) const = default;
};

// Reads the header at the start of `frame` (what follows the size) and returns the rest, the message. The api key and
// version are set even if they are not known; whether they are served is the caller's question. Reuses `into`.
base::Result<base::ByteSpan> read_request_header(base::ByteSpan frame, RequestHeader& into);

void write_request_header(const RequestHeader& header, FrameBuffer& out);

// The answer to (api_key, api_version): sets its correlation id and returns the message's bytes.
base::Result<base::ByteSpan> read_response_header(base::ByteSpan frame, ApiKey api_key, Version api_version,
                                                  std::int32_t& correlation_id);

void write_response_header(ApiKey api_key, Version api_version, std::int32_t correlation_id, FrameBuffer& out);

// A whole frame: size, header, message. The version is the header's; the api keys must be T's.
template <Message T>
void write_request(const RequestHeader& header, const T& message, FrameBuffer& out) {
  CHECK(header.api_key == T::api_key);
  out.begin_frame();
  write_request_header(header, out);
  write(message, header.api_version, out);
  out.end_frame();
}

template <Message T>
void write_response(Version version, std::int32_t correlation_id, const T& message, FrameBuffer& out) {
  out.begin_frame();
  write_response_header(T::api_key, version, correlation_id, out);
  write(message, version, out);
  out.end_frame();
}

}  // namespace cms::protocol
