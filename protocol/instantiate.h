// SPDX-License-Identifier: Apache-2.0
// The bodies of codec.h's templates. Included by messages/*.cc only, which say CMS_INSTANTIATE_CODEC once per message.
#pragma once

#include <string>

#include "base/check.h"
#include "protocol/codec.h"
#include "protocol/decoder.h"
#include "protocol/encoder.h"
#include "protocol/printer.h"

namespace cms::protocol {

template <Message T>
base::Result<void> read(base::ByteSpan body, Version version, T& into) {
  const auto subject = [&] { return std::string(spelled_type<T>()) + " version " + std::to_string(version); };
  if (!T::versions.contains(version)) return base::Error(base::ErrorKind::unsupported, subject() + " is not served");
  Decoder decoder(body, version, version >= T::flexible_since);
  decoder.structure(into);
  if (!is_request<T>() && decoder.in().left() != 0) decoder.in().fail("bytes are left over after the last field");
  if (decoder.in().failed()) return decoder.in().error().while_doing("reading " + subject());
  return {};
}

template <Message T>
void write(const T& message, Version version, FrameBuffer& out) {
  CHECK(T::versions.contains(version));
  Encoder(out, version, version >= T::flexible_since).structure(message);
}

template <Message T>
std::string to_text(const T& message, Version version) {
  std::string line;
  Printer(line, version).structure(message);
  return line;
}

}  // namespace cms::protocol

#define CMS_INSTANTIATE_CODEC(Type)                                                          \
  template base::Result<void> read<Type>(base::ByteSpan body, Version version, Type & into); \
  template void write<Type>(const Type& message, Version version, FrameBuffer& out);         \
  template std::string to_text<Type>(const Type& message, Version version)
