// SPDX-License-Identifier: Apache-2.0
#include "records/cursor.h"

namespace cms::records {

bool Cursor::refill() {
  if (fault_ != CursorFault::none) return false;
  if (stream_ == nullptr) {
    fault_ = CursorFault::ended;
    return false;
  }
  before_window_ = position();
  at_ = end_ = begin_;
  const base::Result<std::size_t> size = stream_->read(window_);
  if (!size) {
    fault_ = CursorFault::garbled;
  } else if (*size == 0) {
    fault_ = CursorFault::ended;
  } else if (*size > bytes_max_ - before_window_) {
    fault_ = CursorFault::too_large;
  } else {
    end_ = begin_ + *size;
  }
  return fault_ == CursorFault::none;
}

bool Cursor::skip_over_windows(std::size_t size) {
  while (true) {
    const std::size_t here = std::min(size, static_cast<std::size_t>(end_ - at_));
    at_ += here;
    size -= here;
    if (size == 0) return true;
    if (!refill()) return false;
  }
}

}  // namespace cms::records
