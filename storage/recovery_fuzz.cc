// SPDX-License-Identifier: Apache-2.0
// Arbitrary bytes as the files of a partition. It opens or it says why not; what it opens with can be read, goes on,
// and is found again.
//
//   input:  flags u8, size of the first segment u16, size of the index u16, size of the checkpoint u16, then these,
//   then
//           the second segment
//   flags:  1 put the checksums right   2 write the segments direct   4 a second segment   8 the second one's base
//   follows
//           from the first as far as it goes
#include <cstring>
#include <memory>
#include <vector>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/log.h"
#include "storage/formats.h"
#include "storage/inline_queue.h"
#include "storage/segmented_log.h"
#include "storage/simulated_disk.h"
#include "storage/test_batches.h"

namespace {

using namespace cms;
using namespace cms::storage;
using Buffer = std::vector<std::byte>;

const char* const directory = "data/topic-0";

struct Told final : IoCompletion {
  std::optional<base::Result<std::size_t>> result;
  void completed(base::Result<std::size_t> bytes) noexcept override { result = std::move(bytes); }
};

Buffer take(base::ByteSpan& input, std::size_t size) {
  size = std::min(size, input.size());
  Buffer bytes(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(size));
  input = input.subspan(size);
  return bytes;
}

// Returns the offset behind the last batch.
records::Offset right_batches(Buffer& bytes) {
  records::Offset next = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto batch = records::BatchView::frame(base::ByteSpan(bytes).subspan(at));
    if (!batch) break;
    base::store_big(bytes.data() + at + records::layout::crc, base::crc32c(batch->checksummed()));
    next = batch->next_offset();
    at += batch->size();
  }
  return next;
}

void right_index(Buffer& bytes) {
  if (bytes.size() < 32) return;
  const auto header = IndexHeader{0}.encode();
  std::memcpy(bytes.data(), header.data(), header.size());
  for (std::size_t at = 32; at + 32 <= bytes.size(); at += 32) {
    base::store_big(bytes.data() + at + 28, base::crc32c({bytes.data() + at, 28}, IndexHeader{0}.checksum()));
  }
}

void right_checkpoint(Buffer& bytes) {
  if (bytes.size() < 4) return;
  const std::size_t body = bytes.size() - 4;
  base::store_big(bytes.data() + body, base::crc32c(base::ByteSpan(bytes).first(body)));
}

void put(SimulatedDisk& disk, const std::string& name, const Buffer& bytes) {
  auto file = disk.open(std::string(directory) + "/" + name, OpenMode::create);
  CHECK(file.ok() && (*file)->write_at(0, bytes).ok() && (*file)->sync().ok());
}

void read_all(SegmentedLog& log) {
  for (Offset from = log.first_offset(); from < log.next_offset();) {
    std::vector<base::Bytes> slices;
    const auto got = log.read(from, log.next_offset(), 1000, slices);
    if (!got) return;  // a clean close is believed; what is wrong then is found when it is read
    if (got->cold) {
      Buffer bytes(got->cold->bytes);
      CHECK(got->cold->file->read_at(got->cold->position, bytes).ok());
      slices.push_back(base::Bytes::copy_of(bytes));
    }
    const Offset before = from;
    for (base::ByteSpan rest = slices.at(0); !rest.empty();) {
      const auto batch = records::BatchView::frame(rest);
      if (!batch) break;
      from = std::max(from, batch->next_offset());
      rest = rest.subspan(batch->size());
    }
    if (from == before) return;
  }
}

void use(SegmentedLog& log) {
  read_all(log);
  log.bytes_between(log.first_offset(), log.next_offset(), 1000);
  if (!log.batch_at_time(5, log.first_offset(), log.next_offset(), run_alone)) return;
  if (!log.batch_with_largest_timestamp(0, log.next_offset(), run_alone)) return;
  const auto bytes = test::make_batch({.records = 3});
  if (!log.append(test::view_of(bytes), std::max(log.epochs().latest(), 0), 1)) return;
  InlineQueue queue;
  Told told;
  log.start_flush(queue, true, told);
  queue.reap();
  if (log.finish_flush(std::move(*told.result))) read_all(log);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::set_log_level(base::LogLevel::error);
  if (size < 7) return 0;
  base::ByteSpan input(reinterpret_cast<const std::byte*>(data), size);
  const auto flags = static_cast<unsigned>(input[0]);
  const auto size_at = [&](std::size_t at) { return std::size_t{base::load_big<std::uint16_t>(input.data() + at)}; };
  const std::size_t sizes[] = {size_at(1), size_at(3), size_at(5)};
  input = input.subspan(7);
  Buffer segment = take(input, sizes[0]), index = take(input, sizes[1]), checkpoint = take(input, sizes[2]);
  Buffer second = take(input, input.size());
  records::Offset second_base = 10;
  if ((flags & 1) != 0) {
    const records::Offset next = right_batches(segment);
    if ((flags & 8) != 0 && next > 0) second_base = next;
    right_batches(second);
    right_index(index);
    right_checkpoint(checkpoint);
  }

  SimulatedDisk disk({.has_direct = (flags & 2) != 0});
  CHECK(disk.make_directories(directory).ok());
  put(disk, formats::offset_name(0, formats::log_suffix), segment);
  if (!index.empty()) put(disk, formats::offset_name(0, formats::index_suffix), index);
  if (!checkpoint.empty()) put(disk, std::string(formats::checkpoint_name), checkpoint);
  if ((flags & 4) != 0) put(disk, formats::offset_name(second_base, formats::log_suffix), second);

  OpenFiles files(disk, 8);
  Arena arena({.budget_bytes = 1 << 20});
  base::ManualClock clock;
  Offset next = 0;
  {
    auto log = SegmentedLog::open({files, arena, clock}, directory, {}, {});
    if (!log) {
      CHECK(!log.error().message().empty());
      return 0;
    }
    use(**log);
    next = (*log)->next_offset();
  }
  auto again = SegmentedLog::open({files, arena, clock}, directory, {}, {});
  if (again) CHECK((*again)->next_offset() == next || (*again)->next_offset() == (*again)->first_offset());
  return 0;
}
