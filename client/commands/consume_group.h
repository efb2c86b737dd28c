// SPDX-License-Identifier: Apache-2.0
// `cms consume --group`.
#pragma once

#include "client/commands/consume.h"
#include "client/commands/record_format.h"

namespace cms::client {

// Reads as a member of arguments.group and commits what has been printed: at least once, should it end in between.
// Without arguments.follow, up to where its partitions ended when it got them.
int consume_in_group(Context& context, const ConsumeArguments& arguments, const StartPoint& from, RecordFormat format);

}  // namespace cms::client
