// SPDX-License-Identifier: Apache-2.0
// Any bytes as a ring's data, with any positions, moved while both ends work on them. The input is 16-byte steps (what,
// where, value), behind the data.
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "transport/ring.h"

namespace {

using namespace cms;

constexpr std::size_t size = 4096;

struct Step {
  std::uint32_t what;
  std::uint32_t where;
  std::uint64_t value;
};

struct Ring {
  transport::RingHeader header{};
  std::unique_ptr<std::uint64_t[]> words = std::make_unique<std::uint64_t[]>(size / 8);
  base::MutableByteSpan data{reinterpret_cast<std::byte*>(words.get()), size};
  transport::RingWriter writer{header, data};
  transport::RingReader reader{header, data};
  std::vector<transport::RingClaim> claims;
  std::uint64_t sum = 0;

  void offer(std::size_t bytes) {
    const std::array<std::byte, transport::ring_message_bytes_max(size)> zeros{};
    const base::ByteSpan part = base::ByteSpan(zeros).first(bytes % (zeros.size() + 1));
    writer.offer(std::span(&part, 1));
  }
  void claim(std::size_t bytes) {
    transport::RingClaim claim;
    if (writer.claim(bytes % (writer.message_bytes_max() + 1), claim) != transport::Offered::taken) return;
    if (!claim.space.empty()) std::memset(claim.space.data(), 1, claim.space.size());
    claims.push_back(claim);
  }
  void settle(std::uint32_t which, std::uint64_t bytes) {
    if (claims.empty()) return;
    const auto claim = claims.begin() + which % claims.size();
    if (bytes % 2 == 0)
      writer.abandon(*claim);
    else
      writer.commit(*claim, bytes % (claim->space.size() + 1));
    claims.erase(claim);
  }
  void read(std::size_t messages) {
    std::size_t handed_out = 0;
    const std::size_t said = reader.read(messages % 64, [&](base::ByteSpan message) {
      CHECK(message.data() >= data.data() && message.data() + message.size() <= data.data() + data.size());
      for (const std::byte each : message) sum += static_cast<std::uint8_t>(each);
      ++handed_out;
    });
    CHECK(said == handed_out);
    reader.give_back_room();
  }
  void take(const Step& step) {
    switch (step.what % 12) {
      case 0:
        return offer(step.value);
      case 1:
        return claim(step.value);
      case 2:
        return settle(step.where, step.value);
      case 3:
        return read(step.value);
      case 4:
        return static_cast<void>(writer.publish());
      case 5:
        header.tail = step.value;
        return;
      case 6:
        header.head = step.value;
        return;
      case 7:
        header.tail = header.tail + step.value % 64;
        return;
      case 8:
        words[step.where % (size / 8)] = step.value;
        return;
      case 9:
        header.room_wanted_at = step.value;
        return;
      case 10:
        writer.prepare_to_sleep(), writer.awake();
        return;
      default:
        reader.prepare_to_sleep(), reader.awake();
        return;
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t input_bytes) {
  Ring ring;
  const std::size_t filled = std::min(input_bytes / 2, size);
  if (filled > 0) std::memcpy(ring.words.get(), input, filled);
  for (std::size_t at = filled; input_bytes - at >= sizeof(Step); at += sizeof(Step)) {
    Step step;
    std::memcpy(&step, input + at, sizeof step);
    ring.take(step);
    CHECK(ring.writer.room_bytes() <= ring.writer.message_bytes_max());
  }
  return 0;
}
