// SPDX-License-Identifier: Apache-2.0
// cmsd --check-data: looks at every partition of a data directory that no broker uses, and says what is wrong.
#pragma once

#include <string>

#include "base/result.h"
#include "storage/disk.h"

namespace cms::broker {

struct DataCheck {
  std::string directory;
  bool json = false;
  bool despite_lock = false;  // also while a broker writes to it: then what it says of open segments may be outdated
};

struct DataCheckResult {
  bool sound = false;
  std::string text;  // a table and a line for each problem, or JSON; ends with a newline
};

// Changes no file, but holds the directory's lock, so that no broker starts meanwhile. Error: it cannot be read, or a
// broker holds it. Blocks for as long as reading everything takes.
base::Result<DataCheckResult> check_data(storage::Disk& disk, const DataCheck& wanted);

}  // namespace cms::broker
