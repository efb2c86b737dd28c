// SPDX-License-Identifier: Apache-2.0
// Reads all files of a partition that no broker has open, and says what is wrong with them. Changes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "records/batch.h"
#include "storage/disk.h"

namespace cms::storage {

struct PartitionReport {
  std::size_t segments = 0;
  std::uint64_t batches = 0;
  std::uint64_t records = 0;  // as the batches' headers say
  std::uint64_t bytes = 0;    // of whole batches
  records::Offset first = 0;  // log start offset
  records::Offset end = 0;
  bool closed = false;  // cleanly; else the next start scans the last segment

  std::vector<std::string> problems;  // records that are lost, or not what they were
  std::vector<std::string> notes;     // what the next start mends by itself, and what it has put aside
};

// Every batch: length, checksum, offsets in order, epochs that never fall; every index entry: where it leads, and what
// it vouches for (frames_crc). Blocks for as long as reading takes. Error: the directory cannot be read.
base::Result<PartitionReport> check_partition(Disk& disk, const std::string& directory);

}  // namespace cms::storage
