// SPDX-License-Identifier: Apache-2.0
// The codecs of Kafka's batches, in the framing that Kafka's own clients produce; decompress.h undoes them.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "records/batch.h"

namespace cms::records {

struct LevelRange {
  int least;
  int greatest;
  int normal;
};

// As Kafka's `compression.gzip.level`, `compression.lz4.level` and `compression.zstd.level`. For gzip -1 is zlib's
// usual one. lz4's 9 is the fast compressor (as in Kafka, KIP-390), every other level the thorough one. No range: no
// levels.
std::optional<LevelRange> levels(Codec codec);

// "none", "gzip", "snappy", "lz4", "zstd": the names of `compression.type`.
std::string_view to_string(Codec codec);
std::optional<Codec> parse_codec(std::string_view name);

// Keeps the codecs' tables between calls. One thread at a time.
class Compressor {
 public:
  Compressor();
  ~Compressor();
  Compressor(Compressor&&) noexcept;
  Compressor& operator=(Compressor&&) noexcept;

  // Appends `plain` to `to`, compressed. A level out of levels() is brought into it; none given: the normal one.
  void append(Codec codec, std::optional<int> level, ByteSpan plain, std::vector<std::byte>& to);

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
};

// The same without keeping anything; for tools and tests.
std::vector<std::byte> compress(Codec codec, std::optional<int> level, ByteSpan plain);

}  // namespace cms::records
