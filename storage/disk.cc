// SPDX-License-Identifier: Apache-2.0
#include "storage/disk.h"

#include <filesystem>

namespace cms::storage {

using base::ByteSpan;
using base::Error;
using base::ErrorKind;
using base::MutableByteSpan;
using base::Result;

namespace {

std::string directory_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

Result<void> write_and_sync(Disk& disk, const std::string& path, ByteSpan content) {
  auto file = disk.open(path, OpenMode::create);
  if (!file) return file.error();
  if (auto cut = (*file)->truncate(0); !cut) return cut;
  if (auto written = (*file)->write_at(0, content); !written) return written;
  return (*file)->sync();
}

}  // namespace

Result<std::vector<std::byte>> read_file(Disk& disk, const std::string& path, std::size_t bytes_max) {
  auto file = disk.open(path, OpenMode::read);
  if (!file) return file.error();
  const auto size = (*file)->size();
  if (!size) return size.error();
  if (*size > bytes_max) {
    return Error(ErrorKind::corrupt, "reading " + path + ": " + std::to_string(*size) + " bytes, more than the " +
                                         std::to_string(bytes_max) + " it may have");
  }
  std::vector<std::byte> content(*size);
  const auto read = (*file)->read_at(0, MutableByteSpan(content));
  if (!read) return read.error();
  content.resize(*read);
  return content;
}

Result<void> replace_file(Disk& disk, const std::string& path, ByteSpan content) {
  const std::string fresh = path + ".new";
  // Under its own name first: a crash before the rename leaves the old content whole.
  if (auto written = write_and_sync(disk, fresh, content); !written) {
    (void)disk.remove(fresh);  // gives the space back where the disk is full; a leftover does no harm
    return written.error().while_doing("replacing " + path);
  }
  if (auto renamed = disk.rename(fresh, path); !renamed) return renamed.error().while_doing("replacing " + path);
  return disk.sync_directory(directory_of(path));
}

}  // namespace cms::storage
