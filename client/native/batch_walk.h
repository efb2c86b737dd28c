// SPDX-License-Identifier: Apache-2.0
// The records of a run of batches as a log keeps them, from a given offset on, without those of control batches.
#pragma once

#include <vector>

#include "base/result.h"
#include "client/native/mapped_chunks.h"
#include "records/iterate.h"

namespace cms::client {

// Keeps what RecordReader keeps. One thread.
class BatchWalk {
 public:
  explicit BatchWalk(bool check_checksums) : check_checksums_(check_checksums) {}

  // `run` remains until the walk is over.
  void open(base::ByteSpan run) {
    rest_ = run;
    in_batch_ = false;
    status_ = {};
    in_place_ = nullptr;
    overtaken_ = false;
  }

  // The same for bytes that may change under the walk. Compressed batches are copied first, and the headers of each
  // record, since they are read again; keys and values are shown where they lie.
  void open(const InPlace& run) {
    open(run.bytes);
    in_place_ = &run;
  }

  // The next record at `next_offset` or behind it, to which next_offset is moved up, behind the record; null when there
  // is none, and next_offset is behind the last batch then. What it shows is valid as with RecordReader::next().
  const records::RecordView* next(records::Offset& next_offset);

  // After null: whether the run was what it should be.
  const base::Result<void>& status() const { return status_; }

  // After null: the bytes were overwritten. From next_offset on nothing is known of them.
  bool overtaken() const { return overtaken_; }

 private:
  const records::RecordView* find_next(records::Offset& next_offset);
  const records::RecordView* with_headers_kept(const records::RecordView& record);
  bool next_batch(records::Offset next_offset);
  void open_batch(const records::BatchView& batch);
  void stop(const char* what, records::Offset offset);

  const bool check_checksums_;
  base::ByteSpan rest_;
  bool in_batch_ = false;
  records::Offset batch_end_ = 0;
  records::RecordReader reader_;
  base::Result<void> status_;
  const InPlace* in_place_ = nullptr;
  bool overtaken_ = false;
  records::RecordView shown_;
  std::vector<std::byte> headers_;
  std::vector<std::byte> copy_;  // of a compressed batch
};

}  // namespace cms::client
