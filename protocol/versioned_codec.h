// SPDX-License-Identifier: Apache-2.0
// The bodies of versioned.h's templates. Included only where they are instantiated.
#pragma once

#include <algorithm>
#include <string>

#include "base/check.h"
#include "protocol/decoder.h"
#include "protocol/encoder.h"
#include "protocol/printer.h"
#include "protocol/versioned.h"

namespace cms::protocol {

// What an Encoder needs of a FrameBuffer, over a string.
class StringOutput {
 public:
  explicit StringOutput(std::string& out) : out_(out) {}

  std::byte* extend(std::size_t count) { return insert(out_.size(), count); }
  void append(base::ByteSpan bytes) { out_.append(base::as_text(bytes)); }
  void splice(const base::Bytes& bytes) { append(bytes); }
  std::size_t position() const { return out_.size(); }
  std::byte* insert(std::size_t position, std::size_t count) {
    out_.insert(position, count, '\0');
    return reinterpret_cast<std::byte*>(out_.data()) + position;
  }

 private:
  std::string& out_;
};

template <Versioned T>
base::Result<Version> read_versioned(base::ByteSpan bytes, Tolerance tolerance, T& into) {
  const auto fail = [](WireReader& reader) {
    return reader.error().while_doing("reading " + std::string(spelled_type<T>()));
  };
  WireReader start(bytes);
  const auto version = start.integer<Version>();
  if (start.failed()) return fail(start);
  const bool newer = tolerance == Tolerance::newer && version > T::versions.last;
  if (!newer && !T::versions.contains(version)) {
    return base::Error(base::ErrorKind::unsupported,
                       std::string(spelled_type<T>()) + " version " + std::to_string(version) + " is not known");
  }
  const Version known = std::min(version, T::versions.last);
  Decoder decoder(bytes.subspan(sizeof(Version)), known, known >= T::flexible_since);
  decoder.structure(into);
  if (tolerance == Tolerance::strict && decoder.in().left() != 0) {
    decoder.in().fail("bytes are left over after the last field");
  }
  if (decoder.in().failed()) return fail(decoder.in());
  return version;
}

template <Versioned T>
void append_versioned(const T& from, Version version, std::string& out) {
  CHECK(T::versions.contains(version));
  StringOutput output(out);
  base::store_big(output.extend(sizeof(Version)), version);
  Encoder(output, version, version >= T::flexible_since).structure(from);
}

template <Versioned T>
std::string versioned_to_text(const T& from, Version version) {
  std::string line;
  Printer(line, version).structure(from);
  return line;
}

}  // namespace cms::protocol

#define CMS_INSTANTIATE_VERSIONED(Type)                                                                                \
  template base::Result<protocol::Version> protocol::read_versioned<Type>(base::ByteSpan, protocol::Tolerance, Type&); \
  template void protocol::append_versioned<Type>(const Type&, protocol::Version, std::string&);                        \
  template std::string protocol::versioned_to_text<Type>(const Type&, protocol::Version)
