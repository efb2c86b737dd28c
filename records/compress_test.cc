// SPDX-License-Identifier: Apache-2.0
#include "records/compress.h"

#include <gtest/gtest.h>
#include <lz4frame.h>
#include <rapidcheck/gtest.h>
#include <snappy.h>
#include <zstd.h>

#include "base/random.h"
#include "records/decompress.h"
#include "records/test_batches.h"

namespace cms::records {
namespace {

using namespace testing;

// Everything the stream holds, read in steps of `step` bytes; nothing when it is garbled or longer than `bytes_max`.
std::optional<std::vector<std::byte>> decompress(Codec codec, ByteSpan compressed, std::size_t step = 4096,
                                                 std::size_t bytes_max = 64 << 20) {
  Decompressor decompressor;
  decompressor.open(codec, compressed);
  std::vector<std::byte> plain;
  std::vector<std::byte> piece(step);
  while (true) {
    const base::Result<std::size_t> size = decompressor.read(piece);
    if (!size) return std::nullopt;
    if (*size == 0) return plain;
    EXPECT_LE(*size, step);
    plain.insert(plain.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*size));
    if (plain.size() > bytes_max) return std::nullopt;
  }
}

// Half of it compresses.
std::vector<std::byte> mixed_bytes(std::size_t size) {
  base::Random random(size);
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i % 64 < 32 ? random.next() : i % 7);
  return bytes;
}

RC_GTEST_PROP(Compress, WhatIsCompressedComesOutAgainInStepsOfAnySize, (const std::vector<std::uint8_t>& bytes)) {
  const ByteSpan plain = std::as_bytes(std::span(bytes));
  const auto step = static_cast<std::size_t>(*rc::gen::inRange(1, 300));
  for (const Codec codec : all_codecs) {
    const auto result = decompress(codec, compress(codec, std::nullopt, plain), step);
    RC_ASSERT(result.has_value());
    RC_ASSERT(std::equal(plain.begin(), plain.end(), result->begin(), result->end()));
  }
}

TEST(Compress, EveryLevelComesOutAgain) {
  const std::vector<std::byte> plain = mixed_bytes(200'000);
  for (const Codec codec : {Codec::gzip, Codec::lz4, Codec::zstd}) {
    const LevelRange range = *levels(codec);
    for (int level = std::max(range.least, -7); level <= range.greatest; ++level) {
      EXPECT_EQ(decompress(codec, compress(codec, level, plain)), plain) << to_string(codec) << level;
    }
  }
}

TEST(Compress, LevelsOutsideTheRangeAreBroughtIntoIt) {
  const std::vector<std::byte> plain = mixed_bytes(1000);
  for (const Codec codec : all_codecs) {
    for (const int level : {-1'000'000, 1'000'000}) EXPECT_EQ(decompress(codec, compress(codec, level, plain)), plain);
  }
}

TEST(Compress, AReusedCompressorMakesTheSameBytesAsAFreshOne) {
  const std::vector<std::byte> plain = mixed_bytes(70'000);
  Compressor compressor;
  for (int round = 0; round < 2; ++round) {
    for (const Codec codec : all_codecs) {
      std::vector<std::byte> appended{std::byte{1}};
      compressor.append(codec, std::nullopt, plain, appended);
      appended.erase(appended.begin());
      EXPECT_EQ(appended, compress(codec, std::nullopt, plain));
    }
  }
}

TEST(Compress, CodecNamesAreKafkas) {
  for (const Codec codec : all_codecs) EXPECT_EQ(parse_codec(to_string(codec)), codec);
  EXPECT_EQ(parse_codec("uncompressed"), std::nullopt);
}

TEST(Decompress, AReusedDecompressorRecoversFromAGarbledStream) {
  const std::vector<std::byte> plain = mixed_bytes(3000);
  Decompressor decompressor;
  std::vector<std::byte> piece(4096);
  for (const Codec codec : compressing_codecs) {
    const std::vector<std::byte> compressed = compress(codec, std::nullopt, plain);
    decompressor.open(codec, ByteSpan(compressed).first(compressed.size() - 1));
    while (true) {
      const auto size = decompressor.read(piece);
      ASSERT_TRUE(!size || *size > 0) << "a cut stream must not end well: " << to_string(codec);
      if (!size) break;
    }
    EXPECT_FALSE(decompressor.read(piece)) << "failed stays failed";
    decompressor.open(codec, compressed);
    EXPECT_EQ(*decompressor.read(piece), plain.size()) << to_string(codec);
  }
}

TEST(Decompress, EveryTruncationIsGarbled) {
  const std::vector<std::byte> plain = mixed_bytes(2000);
  for (const Codec codec : compressing_codecs) {
    const std::vector<std::byte> compressed = compress(codec, std::nullopt, plain);
    for (std::size_t size = 0; size < compressed.size(); ++size) {
      const auto result = decompress(codec, ByteSpan(compressed).first(size));
      // snappy's framing has no end mark: cut between chunks it is a shorter stream, which the record count then
      // betrays.
      if (codec == Codec::snappy && result) {
        EXPECT_LT(result->size(), plain.size());
      } else {
        EXPECT_FALSE(result) << to_string(codec) << " cut to " << size;
      }
    }
  }
}

TEST(Decompress, BytesAfterTheEndAreGarbled) {
  const std::vector<std::byte> plain = mixed_bytes(2000);
  for (const Codec codec : compressing_codecs) {
    std::vector<std::byte> compressed = compress(codec, std::nullopt, plain);
    compressed.push_back(std::byte{0});
    EXPECT_FALSE(decompress(codec, compressed)) << to_string(codec);
  }
}

TEST(Decompress, NoBitFlipCrashesOrRunsAway) {
  const std::vector<std::byte> plain = mixed_bytes(600);
  for (const Codec codec : compressing_codecs) {
    std::vector<std::byte> compressed = compress(codec, std::nullopt, plain);
    for (std::size_t bit = 0; bit < compressed.size() * 8; ++bit) {
      compressed[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      if (const auto result = decompress(codec, compressed)) {
        EXPECT_LE(result->size(), std::size_t{1} << 20);
      }
      compressed[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    }
  }
}

TEST(Decompress, SeveralGzipMembersAreOneStream) {
  std::vector<std::byte> both = compress(Codec::gzip, std::nullopt, base::as_bytes("one "));
  const std::vector<std::byte> second = compress(Codec::gzip, std::nullopt, base::as_bytes("two"));
  both.insert(both.end(), second.begin(), second.end());
  EXPECT_EQ(text_of(decompress(Codec::gzip, both)), "one two");
}

TEST(Decompress, SeveralZstdFramesAreOneStream) {
  std::vector<std::byte> both = compress(Codec::zstd, std::nullopt, base::as_bytes("one "));
  const std::vector<std::byte> second = compress(Codec::zstd, std::nullopt, base::as_bytes("two"));
  both.insert(both.end(), second.begin(), second.end());
  EXPECT_EQ(text_of(decompress(Codec::zstd, both)), "one two");
}

TEST(Decompress, ABareSnappyBlockIsTaken) {
  const std::vector<std::byte> plain = mixed_bytes(100'000);
  std::string block;
  snappy::Compress(reinterpret_cast<const char*>(plain.data()), plain.size(), &block);
  EXPECT_EQ(decompress(Codec::snappy, base::as_bytes(block)), plain);
}

TEST(Decompress, ASnappyBlockCannotClaimMoreThanTheFormatCanHold) {
  // Claims 4 GiB - 1 in five bytes; nothing of that size may be asked for.
  const std::vector<std::byte> claim(5, std::byte{0xff});
  std::vector<std::byte> block(claim);
  block[4] = std::byte{0x0f};
  block.push_back(std::byte{0});
  EXPECT_FALSE(decompress(Codec::snappy, block));
}

TEST(Decompress, SnappyChunksBeyondTheBytesOrNegativeAreGarbled) {
  const std::vector<std::byte> good = compress(Codec::snappy, std::nullopt, base::as_bytes("hello"));
  for (const std::int32_t size : {-1, 0, 1'000'000, std::numeric_limits<std::int32_t>::min()}) {
    std::vector<std::byte> bad = good;
    base::store_big(bad.data() + 16, size);
    EXPECT_FALSE(decompress(Codec::snappy, bad)) << size;
  }
}

std::vector<std::byte> lz4_frame(LZ4F_preferences_t preferences, ByteSpan plain) {
  std::vector<std::byte> frame(LZ4F_compressFrameBound(plain.size(), &preferences));
  frame.resize(LZ4F_compressFrame(frame.data(), frame.size(), plain.data(), plain.size(), &preferences));
  return frame;
}

TEST(Decompress, Lz4FramesThatKafkasReadersRefuseAreRefused) {
  const std::vector<std::byte> plain = mixed_bytes(300'000);
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = LZ4F_blockLinked;
  EXPECT_FALSE(decompress(Codec::lz4, lz4_frame(preferences, plain)));
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  preferences.frameInfo.dictID = 7;
  EXPECT_FALSE(decompress(Codec::lz4, lz4_frame(preferences, plain)));
}

TEST(Decompress, Lz4FramesOfEveryBlockSizeAndChecksumAreTaken) {
  const std::vector<std::byte> plain = mixed_bytes(5'000'000);
  for (const LZ4F_blockSizeID_t block : {LZ4F_max64KB, LZ4F_max256KB, LZ4F_max1MB, LZ4F_max4MB}) {
    LZ4F_preferences_t preferences{};
    preferences.frameInfo.blockSizeID = block;
    preferences.frameInfo.blockMode = LZ4F_blockIndependent;
    preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
    preferences.frameInfo.blockChecksumFlag = LZ4F_blockChecksumEnabled;
    preferences.frameInfo.contentSize = plain.size();
    EXPECT_EQ(decompress(Codec::lz4, lz4_frame(preferences, plain)), plain);
  }
}

TEST(Decompress, ZstdWithAWindowBeyondKafkasIsRefused) {
  const std::vector<std::byte> plain = mixed_bytes(100'000);
  for (const int window_log : {27, 28}) {
    const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, window_log);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_contentSizeFlag, 0);
    std::vector<std::byte> frame(ZSTD_compressBound(plain.size()));
    ZSTD_inBuffer input{plain.data(), plain.size(), 0};
    ZSTD_outBuffer output{frame.data(), frame.size(), 0};
    while (input.pos < input.size) ZSTD_compressStream2(context.get(), &output, &input, ZSTD_e_continue);
    ASSERT_EQ(ZSTD_compressStream2(context.get(), &output, &input, ZSTD_e_end), 0U);
    frame.resize(output.pos);
    EXPECT_EQ(decompress(Codec::zstd, frame).has_value(), window_log == 27);
  }
}

}  // namespace
}  // namespace cms::records
