// SPDX-License-Identifier: Apache-2.0
#include "client/commands/native_session.h"

namespace cms::client {

namespace {

cms::ChannelKind kind_named(std::string_view name) {
  for (const auto kind : {cms::ChannelKind::tcp, cms::ChannelKind::shared_memory, cms::ChannelKind::rdma}) {
    if (name == to_string(kind)) return kind;
  }
  return cms::ChannelKind::automatic;
}

}  // namespace

void add_channel_options(CLI::App& command, ChannelArguments& arguments) {
  command
      .add_option("--channel", arguments.channel,
                  "How records travel: auto (shared memory where the broker is on this machine, else TCP), shm, rdma "
                  "or tcp")
      ->check(CLI::IsMember({"auto", "shm", "rdma", "tcp"}))
      ->capture_default_str();
  command.add_option("--spin", arguments.spin_us, "Microseconds to look for more before sleeping")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

cms::Result<cms::Session> open_session(const Context& context, const ChannelArguments& arguments, bool want_stages) {
  cms::SessionOptions options;
  options.bootstrap = context.bootstrap;
  options.channel = kind_named(arguments.channel);
  options.spin = std::chrono::microseconds(arguments.spin_us);
  options.want_stages = want_stages;
  return cms::Session::connect(options);
}

int fail(const cms::Error& error) {
  if (was_interrupted()) return exit_interrupted;
  complain(error.message);
  return error.code == Code::lost || error.code == Code::timed_out ? exit_unreachable : exit_refused;
}

void LossTeller::look(const cms::Session& session) {
  if (session.lost() == lost_) return;
  lost_ = session.lost();
  complain(lost_ ? "the broker is lost, trying again: " + session.last_error().message : "the broker is back");
}

}  // namespace cms::client
