// SPDX-License-Identifier: Apache-2.0
// Any bytes as what a client sends, and as what a log holds. The input's records are tried under a right checksum too,
// since no fuzzer guesses one.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "records/build.h"
#include "records/iterate.h"
#include "records/lookup.h"
#include "records/rewrite.h"
#include "records/validate.h"

namespace {

using namespace cms::records;

constexpr std::size_t uncompressed_bytes_max = 1 << 16;

// Kept between inputs, as a broker's core keeps them: what one input leaves behind must not harm the next.
struct Tools {
  Validator validator;
  RecordReader reader{uncompressed_bytes_max};
  Recompressor recompressor;
};

std::int32_t iterate(RecordReader& reader, const BatchView& batch) {
  reader.open(batch);
  std::int32_t count = 0;
  std::size_t sum = 0;
  while (const RecordView* record = reader.next()) {
    ++count;
    if (record->key && !record->key->empty()) sum += static_cast<std::size_t>(record->key->back());
    if (record->value && !record->value->empty()) sum += static_cast<std::size_t>(record->value->back());
    for (const HeaderView& header : record->headers)
      sum += header.key.size() + (header.value ? header.value->size() : 0);
  }
  asm volatile("" : : "r"(sum));  // the reads must happen
  return reader.status() ? count : -1;
}

void use(Tools& tools, std::vector<std::byte>& bytes) {
  RecordReader& reader = tools.reader;
  Limits limits;
  limits.uncompressed_bytes_max = uncompressed_bytes_max;
  limits.timestamp_type = TimestampType::log_append_time;
  const Validated validated = tools.validator.validate(bytes, limits);
  const std::optional<BatchView> batch = BatchView::frame(bytes);
  CHECK(batch || !validated.accepted());
  if (!batch) return;
  const std::int32_t count = iterate(reader, *batch);
  if (!validated.accepted()) return;
  // What was accepted, every reader can read, and every rewriting keeps.
  CHECK(count == batch->record_count());
  CHECK(find_time(*batch, 0, {}, reader));
  CHECK(find_max_time(*batch, {}, reader));
  const auto changed = tools.recompressor.recompress(*batch, Codec::lz4, std::nullopt, uncompressed_bytes_max);
  CHECK(changed && iterate(reader, *BatchView::frame(*changed)) == count);
  set_timestamps(bytes, TimestampType::log_append_time, 1);
  CHECK(iterate(reader, *BatchView::frame(bytes)) == count);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Tools tools;
  const cms::base::ByteSpan input{reinterpret_cast<const std::byte*>(data), size};
  std::vector<std::byte> bytes(input.begin(), input.end());
  use(tools, bytes);
  if (size < header_size) return 0;
  bytes.assign(input.begin(), input.end());
  cms::base::store_big(bytes.data() + layout::magic, current_magic);
  set_base_offset(bytes, 0);
  seal(bytes);
  use(tools, bytes);
  return 0;
}
