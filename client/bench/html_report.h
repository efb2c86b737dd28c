// SPDX-License-Identifier: Apache-2.0
// Runs as one page that needs nothing else: no script, no font, no picture from outside.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace cms::client::bench {

// Runs and sweeps as to_json() described them, and the stages of `cms ping --stages`, each with the name it shall have.
// An error when one of them is nothing of that kind.
base::Result<std::string> to_html(const std::vector<std::pair<std::string, nlohmann::json>>& runs);

}  // namespace cms::client::bench
