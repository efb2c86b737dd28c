// SPDX-License-Identifier: Apache-2.0
// Messages from bytes, to bytes and to text. Declared here for every message, compiled once per family in
// messages/*.cc.
//
// How a member's type is encoded (Kafka protocol guide, KIP-482 for the compact forms of flexible versions):
//
//   bool, integers, double, enums       fixed width, big-endian
//   std::string, optional<>             int16 length and bytes, -1 for null; compact: varint length + 1, 0 for null
//   std::vector<T>, optional<>          int32 count and elements;           compact: varint count + 1
//   std::vector<std::byte>, optional<>  int32 length and bytes;             compact: varint length + 1
//   BytesView, SharedBytes, optional<>  the same (byte_fields.h)
//   RecordsView, Records                as bytes, but not copied
//   base::Uuid                          16 bytes, zero for none
//   a nested struct, optional<>         its fields; optional: int8 1 before them, or -1 for null
//   flexible versions                   end every struct with its tagged fields
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/fields.h"
#include "protocol/frame.h"

namespace cms::protocol {

// Array elements other than numbers that one message may hold, all arrays together: what a frame of short elements can
// blow up to in memory stays bounded.
inline constexpr std::size_t elements_max = 1'000'000;

// Longest string of the protocol, also in the compact form.
inline constexpr std::size_t string_bytes_max = 32767;

// Reads the message at the start of `body`. Everything in `into` is overwritten and its memory used again: reading the
// same shape again allocates nothing. Fields that `version` lacks get their defaults. RecordsView, Records and
// BytesView point into `body`. After an error `into` holds parts of the message and may be used for the next read. The
// error is `unsupported` for a version outside T::versions, else `invalid`.
//
// Bytes left over after a response are an error: the two sides disagree about the version. After a request they are
// ignored, as Kafka's broker does, because clients send them: librdkafka 2 asks for the metadata of all topics with an
// array count of four bytes instead of one where the version is flexible.
template <Message T>
base::Result<void> read(base::ByteSpan body, Version version, T& into);

// Appends the message (no size, no header) to `out`. `version` must be one of T::versions. A field that the version
// lacks is left out whatever its value, as Kafka does with fields it calls ignorable; null where the version cannot say
// null is written empty; a string beyond string_bytes_max is cut, since no reader would take it.
template <Message T>
void write(const T& message, Version version, FrameBuffer& out);

// One line of JSON with the fields of this version, for logs, tools and tests. Records are shown by their size.
template <Message T>
std::string to_text(const T& message, Version version);

}  // namespace cms::protocol
