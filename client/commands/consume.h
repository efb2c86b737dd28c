// SPDX-License-Identifier: Apache-2.0
// `cms consume`.
#pragma once

#include <CLI/CLI.hpp>

#include "client/commands/context.h"

namespace cms::client {

// Both outlive the parsing and the run.
void declare_consume_command(CLI::App& app, Context& context);

}  // namespace cms::client
