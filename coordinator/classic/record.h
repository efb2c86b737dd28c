// SPDX-License-Identifier: Apache-2.0
// A classic group in the coordinator's log, and back.
#pragma once

#include <string>

#include "coordinator/classic/state.h"
#include "coordinator/log/records.h"

namespace cms::coordinator {

// What restore() takes. A member listed twice is taken once.
ClassicState state_of(std::string group_id, const GroupMetadataValue& value);

// Of each member, only its metadata for the group's protocol is kept.
GroupMetadataValue value_of(const ClassicState& state);

}  // namespace cms::coordinator
