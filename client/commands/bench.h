// SPDX-License-Identifier: Apache-2.0
// `cms bench`.
#pragma once

#include <CLI/CLI.hpp>

#include "client/commands/context.h"

namespace cms::client {

// Both outlive the parsing and the run.
void declare_bench_command(CLI::App& app, Context& context);

}  // namespace cms::client
