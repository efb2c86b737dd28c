// SPDX-License-Identifier: Apache-2.0
// `cms topic create|list|describe|alter|delete`.
#pragma once

#include <CLI/CLI.hpp>

#include "client/commands/context.h"

namespace cms::client {

// Both outlive the parsing and the run.
void declare_topic_commands(CLI::App& app, Context& context);

// `cms topic describe`, printed.
int describe_topic(Context& context, const std::string& name, bool all_configs);

}  // namespace cms::client
