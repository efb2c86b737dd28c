// SPDX-License-Identifier: Apache-2.0
// Reading a partition from inside the broker, from first to last record.
#pragma once

#include <functional>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "broker/topics/partition.h"

namespace cms::broker {

// A record without a key is shown with an empty one. What it is given is valid during the call.
using RecordVisitor = std::function<void(Offset offset, base::ByteSpan key, std::optional<base::ByteSpan> value)>;

// Visits every record of the stable prefix from `from` on, as it is now, control batches left out, a few megabytes in
// memory at a time; returns where it ended. Blocks on the disk: a worker's thread. An error: the partition cannot be
// read on from there.
base::Result<Offset> read_log(Partition& partition, Offset from, const RecordVisitor& visit);

}  // namespace cms::broker
