// SPDX-License-Identifier: Apache-2.0
// What the commands over a native channel share: their options, and how they end.
#pragma once

#include <cms/session.h>

#include <string>

#include <CLI/CLI.hpp>

#include "client/commands/context.h"

namespace cms::client {

struct ChannelArguments {
  std::string channel = "auto";
  std::int64_t spin_us = 0;
};

// --channel and --spin.
void add_channel_options(CLI::App& command, ChannelArguments& arguments);

cms::Result<cms::Session> open_session(const Context& context, const ChannelArguments& arguments,
                                       bool want_stages = false);

// As fail() of the other commands: the exit code.
int fail(const cms::Error& error);

// Tells on standard error when the broker is lost, and when it is back.
class LossTeller {
 public:
  void look(const cms::Session& session);

 private:
  bool lost_ = false;
};

}  // namespace cms::client
