// SPDX-License-Identifier: Apache-2.0
#include "client/bench/interval_log.h"

#include <zlib.h>

#include <cstdio>

#include "base/bytes.h"
#include "base/endian.h"
#include "client/bench/base64.h"

namespace cms::client::bench {

namespace {

constexpr std::int32_t compressed_cookie_v2 = 0x1c849304 | 0x10;
constexpr std::size_t prefix_size = 8;  // cookie, bytes that follow
constexpr double ns_per_ms = 1e6;

base::Error corrupt(const char* what) { return {base::ErrorKind::corrupt, std::string("a histogram's text ") + what}; }

}  // namespace

std::string to_text(const base::Histogram& histogram) {
  const std::string plain = histogram.encode();
  uLongf size = ::compressBound(plain.size());
  std::string packed(prefix_size + size, '\0');
  const int done = ::compress(reinterpret_cast<Bytef*>(packed.data() + prefix_size), &size,
                              reinterpret_cast<const Bytef*>(plain.data()), plain.size());
  CHECK(done == Z_OK);  // the room is as much as it can need
  packed.resize(prefix_size + size);
  auto* const bytes = reinterpret_cast<std::byte*>(packed.data());
  base::store_big(bytes, compressed_cookie_v2);
  base::store_big(bytes + sizeof(std::int32_t), static_cast<std::int32_t>(size));
  return to_base64(packed);
}

base::Result<base::Histogram> histogram_from_text(std::string_view text) {
  const auto packed = from_base64(text);
  if (!packed) return packed.error();
  const base::ByteSpan bytes = base::as_bytes(*packed);
  if (bytes.size() < prefix_size) return corrupt("is too short");
  if (base::load_big<std::int32_t>(bytes.data()) != compressed_cookie_v2)
    return corrupt("is not in the compressed V2 encoding");
  const auto told = base::load_big<std::int32_t>(bytes.data() + sizeof(std::int32_t));
  if (told < 0 || static_cast<std::size_t>(told) > bytes.size() - prefix_size)
    return corrupt("is shorter than it says");
  std::string plain(decoded_bytes_max, '\0');
  uLongf size = plain.size();
  const int done = ::uncompress(reinterpret_cast<Bytef*>(plain.data()), &size,
                                reinterpret_cast<const Bytef*>(packed->data() + prefix_size), static_cast<uLong>(told));
  if (done != Z_OK) return corrupt("does not unpack");
  plain.resize(size);
  return base::Histogram::decode(base::as_bytes(plain));
}

std::string interval_log(std::int64_t started_unix_ms, const std::vector<Interval>& intervals) {
  char line[128];
  std::string log = "#[Histogram log format version 1.3]\n";
  std::snprintf(line, sizeof line, "#[StartTime: %.3f (seconds since epoch)]\n",
                static_cast<double>(started_unix_ms) / 1e3);
  log += line;
  log += "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n";
  for (const Interval& interval : intervals) {
    if (!interval.tag.empty()) log += "Tag=" + interval.tag + ",";
    std::snprintf(line, sizeof line, "%.3f,%.3f,%.3f,", interval.start_seconds, interval.length_seconds,
                  static_cast<double>(interval.histogram.max()) / ns_per_ms);
    log += line + to_text(interval.histogram) + "\n";
  }
  return log;
}

}  // namespace cms::client::bench
