// SPDX-License-Identifier: Apache-2.0
#include "client/native/batch_walk.h"

#include <algorithm>
#include <string>

#include "base/crc32c.h"

namespace cms::client {

const records::RecordView* BatchWalk::next(records::Offset& next_offset) {
  for (;;) {
    if (in_batch_) {
      while (const records::RecordView* record = reader_.next()) {
        if (record->offset < next_offset) continue;
        next_offset = record->offset + 1;
        return record;
      }
      in_batch_ = false;
      if (!reader_.status()) {
        status_ = reader_.status().error().while_doing("the batch before " + std::to_string(batch_end_));
        rest_ = {};
        return nullptr;
      }
      next_offset = std::max(next_offset, batch_end_);
    }
    if (!next_batch(next_offset)) return nullptr;
  }
}

// Opens the next batch that has something for us.
bool BatchWalk::next_batch(records::Offset next_offset) {
  while (!rest_.empty()) {
    const auto batch = records::BatchView::frame(rest_);
    if (!batch) {
      stop("is cut off, or of an old format", next_offset);
      return false;
    }
    rest_ = rest_.subspan(batch->size());
    if (batch->next_offset() <= next_offset) continue;
    if (check_checksums_ && base::crc32c(batch->checksummed()) != batch->crc()) {
      stop("has a wrong checksum", batch->base_offset());
      return false;
    }
    batch_end_ = batch->next_offset();
    in_batch_ = true;
    // Of a control batch only the place is of interest.
    reader_.open(*batch);
    if (batch->is_control()) {
      while (reader_.next() != nullptr) {
      }
    }
    return true;
  }
  return false;
}

void BatchWalk::stop(const char* what, records::Offset offset) {
  status_ = base::Error(base::ErrorKind::corrupt, "the batch at " + std::to_string(offset) + " " + what);
  rest_ = {};
}

}  // namespace cms::client
