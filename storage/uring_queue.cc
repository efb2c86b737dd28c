// SPDX-License-Identifier: Apache-2.0
#include "storage/uring_queue.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace cms::storage {

using base::ByteSpan;
using base::Error;
using base::ErrorKind;
using base::MutableByteSpan;
using base::Result;

Result<std::unique_ptr<UringQueue>> UringQueue::make() {
  io_uring ring{};
  // Completions are taken when the loop enters the kernel anyway, without interrupting it (from Linux 5.19 on).
  int code = io_uring_queue_init(entries, &ring, IORING_SETUP_COOP_TASKRUN);
  if (code == -EINVAL) code = io_uring_queue_init(entries, &ring, 0);
  if (code < 0) return Error::from_errno(-code, "setting up io_uring");
  std::unique_ptr<UringQueue> queue(new UringQueue(ring));
  code = io_uring_register_eventfd(&queue->ring_, queue->ready_.get());
  if (code < 0) return Error::from_errno(-code, "setting up io_uring");
  return queue;
}

UringQueue::~UringQueue() {
  CHECK(in_flight() == 0);
  io_uring_queue_exit(&ring_);
}

void UringQueue::write(File& file, std::uint64_t position, std::span<const ByteSpan> pieces, bool sync,
                       IoCompletion& done) {
  CHECK(pieces.size() <= pieces_max);
  Operation& operation = start(file, position, done);
  for (const ByteSpan piece : pieces) {
    if (!piece.empty()) operation.pieces.push_back({const_cast<std::byte*>(piece.data()), piece.size()});
  }
  operation.sync = sync;
  operation.descriptor = file.descriptor();
  if (sync && operation.file->sync_failed()) return settle(operation, operation.file->sync_failed_before());
  if (operation.pieces.empty() && !sync) return settle(operation, std::size_t{0});
  if (operation.pieces.empty()) {
    operation.step = Operation::Step::sync;
  } else if (sync && !operation.file->has_unsynced()) {
    operation.step = Operation::Step::durable_write;
  } else {
    operation.step = Operation::Step::write;
    operation.file->note_unsynced();
  }
  waiting_.push_back(&operation);
}

void UringQueue::read(File& file, std::uint64_t position, MutableByteSpan into, IoCompletion& done) {
  Operation& operation = start(file, position, done);
  const auto descriptor = operation.file->read_descriptor();
  if (!descriptor) return settle(operation, descriptor.error());
  if (into.empty()) return settle(operation, std::size_t{0});
  operation.step = Operation::Step::read;
  operation.descriptor = *descriptor;
  operation.pieces.push_back({into.data(), into.size()});
  waiting_.push_back(&operation);
}

void UringQueue::run(std::function<Result<std::size_t>()> work, IoCompletion& done) {
  workers_.post(std::move(work), done);
}

UringQueue::Operation& UringQueue::start(File& file, std::uint64_t position, IoCompletion& done) {
  auto* posix_file = dynamic_cast<PosixFile*>(&file);
  CHECK(posix_file != nullptr);
  if (unused_.empty()) {
    operations_.push_back(std::make_unique<Operation>());
    unused_.push_back(operations_.back().get());
  }
  Operation& operation = *unused_.back();
  unused_.pop_back();
  operation.pieces.clear();
  operation.first = 0;
  operation.bytes = 0;
  operation.file = posix_file;
  operation.done = &done;
  operation.position = position;
  ++operations_in_flight_;
  return operation;
}

void UringQueue::settle(Operation& operation, Result<std::size_t> result) {
  settled_.push_back({&operation, std::move(result)});
  ready_.signal();
}

void UringQueue::submit() {
  while (!waiting_.empty() && in_kernel_ < entries) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry == nullptr) break;
    prepare(*waiting_.front(), *entry);
    waiting_.pop_front();
    ++in_kernel_;
  }
  while (io_uring_sq_ready(&ring_) > 0) {
    const int code = io_uring_submit(&ring_);
    if (code > 0 || code == -EINTR) continue;
    // The kernel is short of memory or busy with completions: come back in the next turn.
    CHECK(code == 0 || code == -EAGAIN || code == -EBUSY);
    ready_.signal();
    return;
  }
}

void UringQueue::prepare(Operation& operation, io_uring_sqe& entry) {
  const auto* pieces = operation.pieces.data() + operation.first;
  const auto count = static_cast<unsigned>(operation.pieces.size() - operation.first);
  switch (operation.step) {
    case Operation::Step::read:
      io_uring_prep_readv(&entry, operation.descriptor, pieces, count, operation.position);
      // Much of the page cache is not copied between two requests of the loop; also, it may have to be filled first.
      if (pieces->iov_len >= read_aside_bytes_min) entry.flags |= IOSQE_ASYNC;
      break;
    case Operation::Step::write:
      io_uring_prep_writev(&entry, operation.descriptor, pieces, count, operation.position);
      break;
    case Operation::Step::durable_write:
      io_uring_prep_writev2(&entry, operation.descriptor, pieces, count, operation.position, RWF_DSYNC);
      // Through the page cache the sync would block the caller in submit().
      if (!operation.file->direct()) entry.flags |= IOSQE_ASYNC;
      break;
    case Operation::Step::sync:
      operation.sync_mark = operation.file->sync_mark();
      io_uring_prep_fsync(&entry, operation.descriptor, IORING_FSYNC_DATASYNC);
      break;
  }
  io_uring_sqe_set_data(&entry, &operation);
}

std::size_t UringQueue::reap() {
  ready_.clear();  // before looking, so that what completes from here on signals again
  std::size_t finished = 0;
  io_uring_cqe* completion = nullptr;
  while (io_uring_peek_cqe(&ring_, &completion) == 0) {
    auto& operation = *static_cast<Operation*>(io_uring_cqe_get_data(completion));
    const int code = completion->res;
    io_uring_cqe_seen(&ring_, completion);
    --in_kernel_;
    if (auto result = take(operation, code)) {
      ++finished;
      finish(operation, std::move(*result));
    } else {
      waiting_.push_front(&operation);
    }
  }
  for (Settled& one : std::exchange(settled_, {})) {
    ++finished;
    finish(*one.operation, std::move(one.result));
  }
  finished += workers_.reap();
  submit();
  return finished;
}

std::optional<Result<std::size_t>> UringQueue::take(Operation& operation, int code) {
  if (code == -EINTR || code == -EAGAIN) return std::nullopt;
  if (code < 0) return failure(operation, -code);
  switch (operation.step) {
    case Operation::Step::sync:
      operation.file->note_synced(operation.sync_mark);
      return operation.bytes;
    case Operation::Step::read:
      if (code == 0) return operation.bytes;  // the end of the file
      [[fallthrough]];
    case Operation::Step::write:
    case Operation::Step::durable_write:
      return take_moved(operation, static_cast<std::size_t>(code));
  }
  CHECK(false);
}

std::optional<Result<std::size_t>> UringQueue::take_moved(Operation& operation, std::size_t bytes) {
  const bool reading = operation.step == Operation::Step::read;
  const std::size_t kept =
      advance_pieces(operation.pieces, operation.first, bytes, !reading && operation.file->direct());
  operation.position += kept;
  operation.bytes += kept;
  if (operation.first < operation.pieces.size()) {
    if (kept > 0) return std::nullopt;
    return Error(ErrorKind::io, "writing " + operation.file->path() + ": the system took no whole block");
  }
  if (operation.step != Operation::Step::write) return operation.bytes;
  operation.file->note_unsynced();
  if (!operation.sync) return operation.bytes;
  operation.step = Operation::Step::sync;
  return std::nullopt;
}

Error UringQueue::failure(Operation& operation, int code) {
  const std::string& path = operation.file->path();
  switch (operation.step) {
    case Operation::Step::read:
      return Error::from_errno(code, "reading " + path);
    case Operation::Step::write:
      operation.file->note_unsynced();
      return Error::from_errno(code, "writing " + path);
    case Operation::Step::durable_write:
      operation.file->note_sync_failed();
      return Error::from_errno(code, "writing and syncing " + path);
    case Operation::Step::sync:
      operation.file->note_sync_failed();
      return Error::from_errno(code, "syncing " + path);
  }
  CHECK(false);
}

void UringQueue::finish(Operation& operation, Result<std::size_t> result) {
  --operations_in_flight_;
  IoCompletion& done = *operation.done;
  unused_.push_back(&operation);
  done.completed(std::move(result));
}

}  // namespace cms::storage
