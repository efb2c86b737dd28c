// SPDX-License-Identifier: Apache-2.0
// A directory of a test's own, gone with it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/check.h"

namespace cms::storage {

class TestDirectory {
 public:
  // Under `root`, or where temporary files go (TMPDIR, /tmp).
  explicit TestDirectory(const std::string& root = std::filesystem::temp_directory_path().string()) {
    path_ = root + "/cms-test-XXXXXX";
    CHECK(::mkdtemp(path_.data()) != nullptr);
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  ~TestDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace cms::storage
