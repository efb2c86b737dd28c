// SPDX-License-Identifier: Apache-2.0
// Structs that say their own version: an int16, then the fields of that version. They are stored in records or carried
// by messages as opaque bytes. Declared as messages are (fields.h), without an API. Declared here, compiled where a .cc
// says CMS_INSTANTIATE_VERSIONED (versioned_codec.h).
#pragma once

#include <concepts>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/fields.h"
#include "protocol/version.h"

namespace cms::protocol {

template <typename T>
concept Versioned = Structure<T> && requires {
  { T::versions } -> std::convertible_to<VersionRange>;
  { T::flexible_since } -> std::convertible_to<Version>;
};

// What a reader does with a version above T::versions, and with bytes after the last field.
enum class Tolerance {
  strict,  // refuses both: `unsupported`, `invalid`
  newer,   // reads a newer version as the newest known one, and ignores what follows
};

// Reads all of `bytes` and returns the version that they say. As protocol::read, everything in `into` is overwritten,
// and after an error it holds parts. Nothing points into `bytes` unless T has BytesView members.
template <Versioned T>
base::Result<Version> read_versioned(base::ByteSpan bytes, Tolerance tolerance, T& into);

// Appends version and fields. `version` must be one of T::versions.
template <Versioned T>
void append_versioned(const T& from, Version version, std::string& out);

// One line of JSON with the fields of this version.
template <Versioned T>
std::string versioned_to_text(const T& from, Version version);

}  // namespace cms::protocol
