// SPDX-License-Identifier: Apache-2.0
#include "protocol/header.h"

#include "base/endian.h"
#include "protocol/wire_reader.h"

namespace cms::protocol {
namespace {

void skip_tag_section(WireReader& in) {
  std::int64_t previous = -1;
  for (std::uint32_t count = in.varint32(); count != 0 && !in.failed(); --count) {
    const std::int64_t tag = in.varint32();
    if (tag <= previous) in.fail("tagged fields are not in rising order");
    previous = tag;
    in.bytes(in.varint32());
  }
}

base::Result<base::ByteSpan> rest(WireReader& in, const char* action) {
  if (in.failed()) return in.error().while_doing(action);
  return in.bytes(in.left());
}

bool has_tag_section(ApiKey api_key, Version api_version) {
  return api_key != ApiKey::api_versions && is_flexible(api_key, api_version);
}

template <typename T>
void append_integer(FrameBuffer& out, T value) {
  base::store_big(out.extend(sizeof(T)), value);
}

}  // namespace

base::Result<base::ByteSpan> read_request_header(base::ByteSpan frame, RequestHeader& into) {
  WireReader in(frame);
  into.api_key = static_cast<ApiKey>(in.integer<std::int16_t>());
  into.api_version = in.integer<Version>();
  into.correlation_id = in.integer<std::int32_t>();
  const auto length = in.integer<std::int16_t>();
  if (length < -1) in.fail("a length is negative");
  if (length < 0) {
    into.client_id.reset();
  } else {
    if (!into.client_id) into.client_id.emplace();
    into.client_id->assign(base::as_text(in.bytes(static_cast<std::size_t>(length))));
  }
  if (is_flexible(into.api_key, into.api_version)) skip_tag_section(in);
  return rest(in, "reading a request header");
}

void write_request_header(const RequestHeader& header, FrameBuffer& out) {
  append_integer(out, static_cast<std::int16_t>(header.api_key));
  append_integer(out, header.api_version);
  append_integer(out, header.correlation_id);
  if (header.client_id) {
    const std::string_view text = std::string_view(*header.client_id).substr(0, string_bytes_max);
    append_integer(out, static_cast<std::int16_t>(text.size()));
    out.append(base::as_bytes(text));
  } else {
    append_integer(out, std::int16_t{-1});
  }
  if (is_flexible(header.api_key, header.api_version)) append_integer(out, std::uint8_t{0});
}

base::Result<base::ByteSpan> read_response_header(base::ByteSpan frame, ApiKey api_key, Version api_version,
                                                  std::int32_t& correlation_id) {
  WireReader in(frame);
  correlation_id = in.integer<std::int32_t>();
  if (has_tag_section(api_key, api_version)) skip_tag_section(in);
  return rest(in, "reading a response header");
}

void write_response_header(ApiKey api_key, Version api_version, std::int32_t correlation_id, FrameBuffer& out) {
  append_integer(out, correlation_id);
  if (has_tag_section(api_key, api_version)) append_integer(out, std::uint8_t{0});
}

}  // namespace cms::protocol
