// SPDX-License-Identifier: Apache-2.0
// `cms config get|set|delete`, of topics and brokers.
#pragma once

#include <CLI/CLI.hpp>

#include "client/commands/context.h"

namespace cms::client {

// Both outlive the parsing and the run.
void declare_config_commands(CLI::App& app, Context& context);

}  // namespace cms::client
