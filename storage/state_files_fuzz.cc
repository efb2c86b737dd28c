// SPDX-License-Identifier: Apache-2.0
// The small state files, checksum put right so that the input gets past it: what loads is saved as it was.
#include "base/crc32c.h"
#include "base/endian.h"
#include "storage/leader_epochs.h"
#include "storage/producers.h"
#include "storage/segment_compaction.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cms;
  std::vector<std::byte> bytes(size + sizeof(std::uint32_t));
  if (size > 0) std::memcpy(bytes.data(), data, size);
  base::store_big(bytes.data() + size, base::crc32c(base::ByteSpan(bytes).first(size)));

  storage::ProducerStates producers;
  if (const auto next_offset = producers.load(bytes)) CHECK(producers.save(*next_offset).size() == bytes.size());
  storage::LeaderEpochs epochs;
  if (epochs.load(bytes)) CHECK(epochs.save() == bytes);
  if (const auto cleaner = storage::CleanerCheckpoint::decode(bytes)) CHECK(cleaner->encode() == bytes);
  return 0;
}
