// SPDX-License-Identifier: Apache-2.0
// `cms ping`.
#pragma once

#include <CLI/CLI.hpp>

#include "client/commands/context.h"

namespace cms::client {

// The steps of a pushed record's way, in their order, as `--stages` names them.
inline constexpr const char* push_steps[] = {"submitted to appended", "appended to stable", "stable to enqueued",
                                             "enqueued to pushed", "pushed to delivered"};

// Both outlive the parsing and the run.
void declare_ping_command(CLI::App& app, Context& context);

}  // namespace cms::client
