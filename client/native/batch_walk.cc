// SPDX-License-Identifier: Apache-2.0
#include "client/native/batch_walk.h"

#include <algorithm>
#include <string>

#include "base/crc32c.h"

namespace cms::client {

const records::RecordView* BatchWalk::next(records::Offset& next_offset) {
  if (in_place_ == nullptr) return find_next(next_offset);
  records::Offset next = next_offset;
  const records::RecordView* record = find_next(next);
  if (record != nullptr) record = with_headers_kept(*record);
  if (!in_place_->is_whole()) {
    open(base::ByteSpan());
    overtaken_ = true;
    return nullptr;
  }
  next_offset = next;
  return record;
}

const records::RecordView* BatchWalk::with_headers_kept(const records::RecordView& record) {
  shown_ = record;
  const base::ByteSpan headers = record.headers.bytes();
  headers_.assign(headers.begin(), headers.end());
  shown_.headers = records::HeaderRange(headers_, static_cast<std::int32_t>(record.headers.size()));
  return &shown_;
}

const records::RecordView* BatchWalk::find_next(records::Offset& next_offset) {
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
    open_batch(*batch);
    if (batch->is_control()) {
      while (reader_.next() != nullptr) {
      }
    }
    return true;
  }
  return false;
}

void BatchWalk::open_batch(const records::BatchView& batch) {
  const records::Codec codec = batch.codec();
  if (in_place_ == nullptr || codec == records::Codec::none) return reader_.open(batch, codec);
  copy_.assign(batch.bytes().begin(), batch.bytes().end());
  // Torn or not, a decompressor gets bytes that stay as they are.
  const auto copied = records::BatchView::frame(copy_);
  if (copied) return reader_.open(*copied);
  reader_.open(batch, records::Codec::none);
}

void BatchWalk::stop(const char* what, records::Offset offset) {
  status_ = base::Error(base::ErrorKind::corrupt, "the batch at " + std::to_string(offset) + " " + what);
  rest_ = {};
}

}  // namespace cms::client
