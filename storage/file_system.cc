// SPDX-License-Identifier: Apache-2.0
#include "storage/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

namespace cms::storage {

using base::ByteSpan;
using base::Error;
using base::ErrorKind;
using base::MutableByteSpan;
using base::Result;

namespace {

constexpr mode_t file_permissions = 0640;

int open_flags(OpenMode mode) {
  switch (mode) {
    case OpenMode::read:
    case OpenMode::read_piecewise:
      return O_RDONLY;
    case OpenMode::write:
    case OpenMode::write_direct:
      return O_RDWR;
    case OpenMode::create:
    case OpenMode::create_direct:
      return O_RDWR | O_CREAT;
  }
  CHECK(false);
}

bool wants_direct(OpenMode mode) { return mode == OpenMode::write_direct || mode == OpenMode::create_direct; }

int open_retrying(const char* path, int flags) {
  int descriptor;
  do {
    descriptor = ::open(path, flags | O_CLOEXEC, file_permissions);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

Error open_error(int code, const std::string& path) {
  Error error = Error::from_errno(code, "opening " + path);
  if (code != EMFILE && code != ENFILE) return error;
  return Error(ErrorKind::full, error.message() + " (raise the limit of open files: ulimit -n, LimitNOFILE)");
}

// Who holds the lock, in words, as far as the lock's content tells.
std::string holder_of(int descriptor) {
  char text[16] = {};
  const ssize_t size = ::pread(descriptor, text, sizeof(text) - 1, 0);
  const std::string pid(text, size > 0 ? std::find(text, text + size, '\n') : text);
  return pid.empty() ? "another process" : "process " + pid;
}

// The file that is about to lose its name, if its blocks are worth giving back a piece at a time.
class Doomed {
 public:
  explicit Doomed(const std::string& path) {
    struct stat info;
    if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink != 1) return;
    // Not what is allocated: of a sparse file less than this comes back.
    bytes_ = static_cast<std::uint64_t>(info.st_size);
    if (bytes_ >= SpaceReturner::file_bytes_min) descriptor_ = open_retrying(path.c_str(), O_RDWR | O_NOFOLLOW);
  }
  ~Doomed() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Doomed(const Doomed&) = delete;
  Doomed& operator=(const Doomed&) = delete;

  void has_gone(SpaceReturner& to) {
    if (descriptor_ >= 0) to.take(std::exchange(descriptor_, -1), bytes_);
  }

 private:
  std::uint64_t bytes_ = 0;
  int descriptor_ = -1;  // -1 too where none is to be had
};

}  // namespace

Result<std::unique_ptr<File>> FileSystem::open(const std::string& path, OpenMode mode) {
  const int flags = open_flags(mode);
  if (wants_direct(mode)) {
    const int descriptor = open_retrying(path.c_str(), flags | O_DIRECT);
    if (descriptor >= 0) return std::unique_ptr<File>(new PosixFile(path, descriptor, true));
    if (errno != EINVAL) return open_error(errno, path);  // EINVAL: tmpfs, some overlays and network file systems
  }
  const int descriptor = open_retrying(path.c_str(), flags);
  if (descriptor < 0) return open_error(errno, path);
  if (mode == OpenMode::read_piecewise) (void)::posix_fadvise(descriptor, 0, 0, POSIX_FADV_RANDOM);
  return std::unique_ptr<File>(new PosixFile(path, descriptor, false));
}

Result<std::vector<std::string>> FileSystem::list(const std::string& directory) {
  std::error_code code;
  std::vector<std::string> names;
  std::filesystem::directory_iterator entry(directory, code);
  for (; !code && entry != std::filesystem::directory_iterator(); entry.increment(code)) {
    names.push_back(entry->path().filename().string());
  }
  if (code) return Error::from_errno(code.value(), "listing " + directory);
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> FileSystem::make_directories(const std::string& path) {
  std::error_code code;
  std::filesystem::create_directories(path, code);
  if (code) return Error::from_errno(code.value(), "making the directory " + path);
  return {};
}

Result<void> FileSystem::rename(const std::string& from, const std::string& to) {
  Doomed replaced(to);
  if (::rename(from.c_str(), to.c_str()) == 0) {
    replaced.has_gone(removed_);
    return {};
  }
  return Error::from_errno(errno, "renaming " + from + " to " + to);
}

Result<void> FileSystem::remove(const std::string& path) {
  Doomed removed(path);
  if (::remove(path.c_str()) == 0) {
    removed.has_gone(removed_);
    return {};
  }
  return Error::from_errno(errno, "removing " + path);
}

Result<void> FileSystem::sync_directory(const std::string& path) {
  const int descriptor = open_retrying(path.c_str(), O_RDONLY | O_DIRECTORY);
  if (descriptor < 0) return open_error(errno, path);
  const int code = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  // EINVAL: this file system has no such thing, which leaves nothing that could be done better.
  if (code != 0 && code != EINVAL) return Error::from_errno(code, "syncing the directory " + path);
  return {};
}

Result<SpaceInfo> FileSystem::space(const std::string& path) {
  struct statvfs info;
  if (::statvfs(path.c_str(), &info) != 0) return Error::from_errno(errno, "asking for the space of " + path);
  return SpaceInfo{.total_bytes = std::uint64_t{info.f_blocks} * info.f_frsize,
                   .free_bytes = std::uint64_t{info.f_bavail} * info.f_frsize};
}

bool FileSystem::exists(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0;
}

Result<std::unique_ptr<File>> FileSystem::lock(const std::string& path) {
  const int descriptor = open_retrying(path.c_str(), O_RDWR | O_CREAT);
  if (descriptor < 0) return open_error(errno, path);
  auto file = std::make_unique<PosixFile>(path, descriptor, false);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Error::from_errno(errno, "locking " + path);
    return Error(ErrorKind::busy,
                 "locking " + path + ": held by " + holder_of(descriptor) + "; stop it, or use another directory");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (auto cut = file->truncate(0); !cut) return cut.error();
  if (auto written = file->write_at(0, base::as_bytes(pid)); !written) return written.error();
  return std::unique_ptr<File>(std::move(file));
}

PosixFile::~PosixFile() {
  ::close(descriptor_);
  if (read_descriptor_ >= 0) ::close(read_descriptor_);
}

Result<std::size_t> PosixFile::read_at(std::uint64_t position, MutableByteSpan into) {
  const auto descriptor = read_descriptor();
  if (!descriptor) return descriptor.error();
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got =
        ::pread(*descriptor, into.data() + done, into.size() - done, static_cast<off_t>(position + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::from_errno(errno, "reading " + path_);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Result<void> PosixFile::write_at(std::uint64_t position, ByteSpan bytes) {
  const ByteSpan pieces[] = {bytes};
  const auto written = write_pieces(position, pieces, false);
  if (!written) return written.error();
  return {};
}

Result<std::size_t> PosixFile::write_pieces(std::uint64_t position, std::span<const ByteSpan> pieces, bool sync) {
  std::vector<iovec> vectors;
  vectors.reserve(pieces.size());
  std::size_t bytes = 0;
  for (const ByteSpan piece : pieces) {
    if (!piece.empty()) vectors.push_back({const_cast<std::byte*>(piece.data()), piece.size()});
    bytes += piece.size();
  }
  if (sync && sync_failed()) return sync_failed_before();
  if (sync && !vectors.empty() && !has_unsynced()) {
    if (auto written = write_vector(position, vectors, RWF_DSYNC); !written) {
      note_sync_failed();
      return written.error();
    }
    return bytes;
  }
  note_unsynced();
  const auto written = write_vector(position, vectors, 0);
  note_unsynced();
  if (!written) return written.error();
  if (!sync) return bytes;
  if (auto synced = this->sync(); !synced) return synced.error();
  return bytes;
}

Result<void> PosixFile::write_vector(std::uint64_t position, std::vector<iovec>& pieces, int flags) {
  std::size_t first = 0;
  while (first < pieces.size()) {
    const int count = static_cast<int>(std::min<std::size_t>(pieces.size() - first, IOV_MAX));
    const ssize_t wrote = ::pwritev2(descriptor_, &pieces[first], count, static_cast<off_t>(position), flags);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return Error::from_errno(errno, "writing " + path_);
    const std::size_t kept = advance_pieces(pieces, first, static_cast<std::size_t>(wrote), direct_);
    if (kept == 0) return Error(ErrorKind::io, "writing " + path_ + ": the system took no byte");
    position += kept;
  }
  return {};
}

Result<void> PosixFile::sync() {
  if (sync_failed()) return sync_failed_before();
  const std::uint64_t mark = sync_mark();
  if (::fdatasync(descriptor_) != 0) {
    note_sync_failed();
    return Error::from_errno(errno, "syncing " + path_);
  }
  note_synced(mark);
  return {};
}

Result<void> PosixFile::truncate(std::uint64_t size) {
  note_unsynced();
  if (::ftruncate(descriptor_, static_cast<off_t>(size)) == 0) return {};
  return Error::from_errno(errno, "setting the size of " + path_ + " to " + std::to_string(size));
}

Result<std::uint64_t> PosixFile::size() const {
  struct stat info;
  if (::fstat(descriptor_, &info) != 0) return Error::from_errno(errno, "asking for the size of " + path_);
  return static_cast<std::uint64_t>(info.st_size);
}

Result<int> PosixFile::read_descriptor() {
  if (!direct_) return descriptor_;
  // Through /proc, because the name may have changed or gone since.
  std::call_once(read_opened_, [this] {
    read_descriptor_ = open_retrying(("/proc/self/fd/" + std::to_string(descriptor_)).c_str(), O_RDONLY);
    if (read_descriptor_ < 0) read_error_ = errno;
  });
  if (read_descriptor_ < 0) return open_error(read_error_, path_).while_doing("reading");
  return read_descriptor_;
}

void PosixFile::note_synced(std::uint64_t mark) {
  std::uint64_t known = synced_.load();
  while (known < mark && !synced_.compare_exchange_weak(known, mark)) {
  }
}

Error PosixFile::sync_failed_before() const {
  return Error(ErrorKind::io, "syncing " + path_ + ": an earlier sync of it failed, what it holds is unknown");
}

std::size_t advance_pieces(std::span<iovec> pieces, std::size_t& first, std::size_t done, bool direct) {
  if (direct) {
    std::size_t left = 0;
    for (const iovec& piece : pieces.subspan(first)) left += piece.iov_len;
    if (done < left) done -= done % disk_block_bytes;
  }
  for (std::size_t step = done; step > 0;) {
    iovec& piece = pieces[first];
    const std::size_t taken = std::min(step, piece.iov_len);
    piece.iov_base = static_cast<std::byte*>(piece.iov_base) + taken;
    piece.iov_len -= taken;
    step -= taken;
    if (piece.iov_len == 0) ++first;
  }
  return done;
}

}  // namespace cms::storage
