// SPDX-License-Identifier: Apache-2.0
// `cms group list|describe|reset|delete|delete-offsets`.
#pragma once

#include <CLI/CLI.hpp>

#include "client/commands/context.h"
#include "client/groups.h"

namespace cms::client {

// Both outlive the parsing and the run.
void declare_group_commands(CLI::App& app, Context& context);

// Its parts.
void declare_group_describe(CLI::App& group, Context& context);
void declare_group_reset(CLI::App& group, Context& context);

// What a state of a group means: "no members; its offsets are kept". Empty for an unknown one.
std::string_view meaning_of_state(std::string_view state);

// Like fail(), and for a group that is not there names one that is perhaps meant.
int fail_on_group(Cluster& cluster, const std::string& group, const Error& error);

}  // namespace cms::client
