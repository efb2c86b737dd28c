// SPDX-License-Identifier: Apache-2.0
// DescribeLogDirs: how large partitions are, and how much room there is.
#pragma once

#include <string_view>

#include "broker/config/options.h"
#include "broker/handlers/request.h"
#include "broker/topics/topics.h"
#include "protocol/messages/describe.h"
#include "storage/disk.h"

namespace cms::broker {

// Partitions that no file holds are shown in a directory of this name, whose volume is the memory for logs.
inline constexpr std::string_view memory_directory = "memory";

// Blocks: asks the file system.
void describe_log_dirs(const Topics& topics, storage::Disk& disk, const Options& options, const RequestContext& context,
                       const protocol::DescribeLogDirsRequest& request, protocol::DescribeLogDirsResponse& response);

}  // namespace cms::broker
