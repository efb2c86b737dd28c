// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "coordinator/assignors/assignor.h"

namespace cms::coordinator {

// assign_uniform() for members with different subscriptions. No partition could move from its owner to another
// subscriber of its topic and make the two more even, unless that took more rounds than are allowed.
AssignorOutput assign_uniform_heterogeneous(const AssignorInput& input);

}  // namespace cms::coordinator
