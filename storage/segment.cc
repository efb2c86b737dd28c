// SPDX-License-Identifier: Apache-2.0
#include "storage/segment.h"

#include <algorithm>
#include <array>

#include "storage/formats.h"
#include "storage/log.h"

namespace cms::storage {

namespace {

constexpr std::size_t zeros_bytes = 128u << 10;  // short enough that a flush does not wait long for the inode

base::ByteSpan zeros() {
  alignas(disk_block_bytes) static constexpr std::array<std::byte, zeros_bytes> bytes{};
  return bytes;
}

}  // namespace

SegmentFile::SegmentFile(const std::string& directory, records::Offset base, std::string_view stage)
    : log_path_(directory + "/" + formats::offset_name(base, formats::log_suffix) + std::string(stage)),
      index_path_(directory + "/" + formats::offset_name(base, formats::index_suffix) + std::string(stage)) {}

bool SegmentFile::plan_ahead() {
  const std::lock_guard lock(mutex_);
  if (ahead_ != Ahead::none) return false;
  ahead_ = Ahead::planned;
  return true;
}

base::Result<void> SegmentFile::write_ahead(File& file, std::uint64_t to) {
  {
    const std::lock_guard lock(mutex_);
    if (ahead_ != Ahead::planned) return {};
    ahead_ = Ahead::running;
  }
  base::Result<void> written;
  std::uint64_t at = allocated();
  while (written && at < to) {
    const std::size_t bytes = std::min<std::uint64_t>(zeros_bytes, to - at);
    written = file.write_at(at, zeros().first(bytes));
    if (written) at += bytes;
  }
  if (written) written = file.sync();
  if (written) set_allocated(std::max(at, allocated()));
  const std::lock_guard lock(mutex_);
  ahead_ = Ahead::none;
  changed_.notify_all();
  return written;
}

bool SegmentFile::call_off() {
  const std::lock_guard lock(mutex_);
  if (ahead_ == Ahead::planned) ahead_ = Ahead::none;
  return ahead_ == Ahead::running;
}

void SegmentFile::wait_until_off() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return ahead_ != Ahead::running; });
}

void Segment::add_point(records::Offset offset, std::uint64_t position) {
  if (!points.empty() && position - points.back().position < cold_slack_bytes) return;
  points.push_back({static_cast<std::uint32_t>(offset - base), static_cast<std::uint32_t>(position)});
}

}  // namespace cms::storage
