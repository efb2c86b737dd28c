// SPDX-License-Identifier: Apache-2.0
// What an assignor is asked for a group, and what it answers.
#pragma once

#include <map>
#include <string_view>

#include "coordinator/assignors/assignor.h"
#include "coordinator/consumer/state.h"
#include "coordinator/topic_catalog.h"

namespace cms::coordinator {

// The next target of every member, by member id. The views are of the state's members.
std::map<std::string_view, Partitions> compute_target(const ConsumerState& state, const TopicCatalog& catalog,
                                                      Assignor assignor);

}  // namespace cms::coordinator
