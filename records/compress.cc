// SPDX-License-Identifier: Apache-2.0
#include "records/compress.h"

#include <algorithm>
#include <array>

#include <libdeflate.h>
#include <lz4frame.h>
#include <snappy.h>
#include <zstd.h>

#include "records/snappy_framing.h"

namespace cms::records {

namespace {

constexpr std::array<std::string_view, 5> names{"none", "gzip", "snappy", "lz4", "zstd"};
constexpr int zlib_usual_level = 6;

int level_of(Codec codec, std::optional<int> wanted) {
  const LevelRange range = *levels(codec);
  return wanted ? std::clamp(*wanted, range.least, range.greatest) : range.normal;
}

// Lets `write(place, room)` put at most `room` bytes at the end of `to`, and keeps as many as it says it wrote.
template <typename Write>
void append_with(std::vector<std::byte>& to, std::size_t room, Write write) {
  const std::size_t before = to.size();
  to.resize(before + room);
  const std::size_t written = write(to.data() + before, room);
  CHECK(written <= room);
  to.resize(before + written);
}

struct FreeDeflate {
  void operator()(libdeflate_compressor* compressor) const { libdeflate_free_compressor(compressor); }
};
struct FreeZstd {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

}  // namespace

std::optional<LevelRange> levels(Codec codec) {
  switch (codec) {
    case Codec::gzip:
      return LevelRange{-1, 9, -1};
    case Codec::lz4:
      return LevelRange{1, 17, 9};
    case Codec::zstd:
      return LevelRange{-131072, 22, 3};
    default:
      return std::nullopt;
  }
}

std::string_view to_string(Codec codec) { return is_known(codec) ? names[static_cast<std::size_t>(codec)] : "unknown"; }

std::optional<Codec> parse_codec(std::string_view name) {
  const auto* const found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Codec>(found - names.begin());
}

struct Compressor::Tables {
  std::unique_ptr<libdeflate_compressor, FreeDeflate> deflate;
  int deflate_level = 0;
  std::unique_ptr<ZSTD_CCtx, FreeZstd> zstd;

  void gzip(int level, ByteSpan plain, std::vector<std::byte>& to) {
    if (level < 0) level = zlib_usual_level;
    if (!deflate || deflate_level != level) deflate.reset(libdeflate_alloc_compressor(level));
    CHECK(deflate);
    deflate_level = level;
    append_with(
        to, libdeflate_gzip_compress_bound(deflate.get(), plain.size()), [&](std::byte* place, std::size_t room) {
          const std::size_t written = libdeflate_gzip_compress(deflate.get(), plain.data(), plain.size(), place, room);
          CHECK(written > 0);
          return written;
        });
  }

  void snappy(ByteSpan plain, std::vector<std::byte>& to) {
    append_with(to, snappy_framing::header_size, [](std::byte* place, std::size_t room) {
      std::copy(snappy_framing::magic.begin(), snappy_framing::magic.end(), place);
      base::store_big(place + snappy_framing::magic.size(), snappy_framing::version);
      base::store_big(place + snappy_framing::magic.size() + sizeof(std::int32_t), snappy_framing::version);
      return room;
    });
    for (std::size_t at = 0; at < plain.size(); at += snappy_framing::chunk_bytes) {
      const ByteSpan chunk = plain.subspan(at, std::min(snappy_framing::chunk_bytes, plain.size() - at));
      const std::size_t room = sizeof(std::int32_t) + ::snappy::MaxCompressedLength(chunk.size());
      append_with(to, room, [chunk](std::byte* place, std::size_t) {
        std::size_t size = 0;
        ::snappy::RawCompress(reinterpret_cast<const char*>(chunk.data()), chunk.size(),
                              reinterpret_cast<char*>(place) + sizeof(std::int32_t), &size);
        base::store_big(place, static_cast<std::int32_t>(size));
        return sizeof(std::int32_t) + size;
      });
    }
  }

  static void lz4(int level, ByteSpan plain, std::vector<std::byte>& to) {
    LZ4F_preferences_t preferences{};
    preferences.frameInfo.blockSizeID = LZ4F_max64KB;
    preferences.frameInfo.blockMode = LZ4F_blockIndependent;
    preferences.compressionLevel = level == levels(Codec::lz4)->normal ? 0 : level;
    append_with(to, LZ4F_compressFrameBound(plain.size(), &preferences), [&](std::byte* place, std::size_t room) {
      const std::size_t written = LZ4F_compressFrame(place, room, plain.data(), plain.size(), &preferences);
      CHECK(!LZ4F_isError(written));
      return written;
    });
  }

  void zstandard(int level, ByteSpan plain, std::vector<std::byte>& to) {
    if (!zstd) zstd.reset(ZSTD_createCCtx());
    CHECK(zstd);
    append_with(to, ZSTD_compressBound(plain.size()), [&](std::byte* place, std::size_t room) {
      const std::size_t written = ZSTD_compressCCtx(zstd.get(), place, room, plain.data(), plain.size(), level);
      CHECK(!ZSTD_isError(written));
      return written;
    });
  }
};

Compressor::Compressor() : tables_(std::make_unique<Tables>()) {}
Compressor::~Compressor() = default;
Compressor::Compressor(Compressor&&) noexcept = default;
Compressor& Compressor::operator=(Compressor&&) noexcept = default;

void Compressor::append(Codec codec, std::optional<int> level, ByteSpan plain, std::vector<std::byte>& to) {
  CHECK(is_known(codec));
  switch (codec) {
    case Codec::none:
      to.insert(to.end(), plain.begin(), plain.end());
      break;
    case Codec::gzip:
      tables_->gzip(level_of(codec, level), plain, to);
      break;
    case Codec::snappy:
      tables_->snappy(plain, to);
      break;
    case Codec::lz4:
      Tables::lz4(level_of(codec, level), plain, to);
      break;
    case Codec::zstd:
      tables_->zstandard(level_of(codec, level), plain, to);
      break;
  }
}

std::vector<std::byte> compress(Codec codec, std::optional<int> level, ByteSpan plain) {
  std::vector<std::byte> compressed;
  Compressor().append(codec, level, plain, compressed);
  return compressed;
}

}  // namespace cms::records
