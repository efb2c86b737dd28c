// SPDX-License-Identifier: Apache-2.0
// The processor time another process has used.
#pragma once

#include <sys/types.h>

namespace cms::bench {

// Seconds of user and system time of all its threads, to the nanosecond where the kernel keeps schedstat, else to the
// clock tick. 0 for pid 0 or a process that is gone.
double process_cpu_seconds(pid_t pid);

}  // namespace cms::bench
