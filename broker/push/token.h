// SPDX-License-Identifier: Apache-2.0
// What a client shows to get its channel.
#pragma once

#include "base/result.h"
#include "base/uuid.h"

namespace cms::broker::push {

// Not from base::Random, which is not for secrets. Error: io.
base::Result<base::Uuid> new_token();

}  // namespace cms::broker::push
