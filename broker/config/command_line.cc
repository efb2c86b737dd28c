// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "broker/config/configuration.h"

namespace cms::broker {

namespace {

struct Flags {
  std::string config;
  std::string data;
  std::vector<std::string> listen;
  std::string admin;
  std::vector<std::string> set;
  bool check = false;
  bool print = false;
  CheckDataCommand check_data;
};

void declare(CLI::App& app, Flags& flags, const std::string& version) {
  app.name("cmsd");
  app.description(
      "The Cascade Messaging Service: a broker for Kafka clients. Needs no configuration: it listens on\n"
      "127.0.0.1:9092 and keeps its data in the XDG state directory.");
  app.add_option("--config", flags.config, "Configuration: TOML, or a Kafka server.properties as it is")
      ->type_name("FILE");
  app.add_option("--data", flags.data, "Directory of everything that is kept (log.dirs)")->type_name("DIR");
  app.add_option("--listen", flags.listen, "Address to listen on, or unix:/path, or NAME://HOST:PORT; repeatable")
      ->type_name("HOST:PORT")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--admin", flags.admin, "Address of metrics and health, or off")->type_name("HOST:PORT|off");
  app.add_option("--set", flags.set, "Any option by its name; repeatable")
      ->type_name("NAME=VALUE")
      ->take_all()
      ->allow_extra_args(false);
  app.add_flag("--check-config", flags.check, "Say what is wrong with the configuration, and exit: 0 fine, 1 not");
  app.add_flag("--print-config", flags.print, "Print the configuration in force, with defaults and comments, and exit");
  auto* const check_data =
      app.add_option("--check-data", flags.check_data.directory,
                     "Read all records of persistent topics in a data directory, say what is damaged, change nothing,\n"
                     "and exit: 0 sound, 1 not")
          ->type_name("DIR");
  app.add_flag("--json", flags.check_data.json, "With --check-data: as JSON")->needs(check_data);
  app.add_flag("--force-read", flags.check_data.despite_lock,
               "With --check-data: also while a broker uses the directory")
      ->needs(check_data);
  app.set_version_flag("--version", "cmsd " + version);
  app.footer(
      "Flags win over the environment (CMS_NUM__PARTITIONS=4 is num.partitions = 4), which wins over the file.\n\n"
      "Example:\n  cmsd --data /tmp/cms --listen 127.0.0.1:9092 --set num.partitions=4");
}

// --listen entries as one value of `listeners`. The first bare one is PLAINTEXT, the next PLAINTEXT2, a socket UNIX.
base::Result<std::string> listeners_value(const std::vector<std::string>& entries, std::string& protocols) {
  std::vector<Listener> listeners;
  int plain = 0;
  int sockets = 0;
  for (const std::string& entry : entries) {
    const bool named = entry.find("://") != std::string::npos;
    const bool is_socket = entry.starts_with("unix:");
    int& count = is_socket ? sockets : plain;
    std::string name = is_socket ? "UNIX" : "PLAINTEXT";
    if (!named && ++count > 1) name += std::to_string(count);
    auto listener = parse_listener(entry, name);
    if (!listener) return listener.error().while_doing("--listen");
    if (!named && name != "PLAINTEXT") protocols.append(protocols.empty() ? "" : ",").append(name).append(":PLAINTEXT");
    listeners.push_back(std::move(*listener));
  }
  return print_listeners(listeners);
}

base::Result<std::vector<Setting>> settings_of(const Flags& flags) {
  std::vector<Setting> settings;
  for (const std::string& text : flags.set) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return base::Error(base::ErrorKind::invalid, "--set " + text + ": write --set NAME=VALUE");
    }
    settings.push_back({text.substr(0, equals), text.substr(equals + 1), "--set", true});
  }
  if (!flags.listen.empty()) {
    std::string protocols;
    auto value = listeners_value(flags.listen, protocols);
    if (!value) return value.error();
    settings.push_back({"listeners", *value, "--listen", true});
    if (!protocols.empty()) {
      // Names that are ours: the configuration's own listeners keep what it says of them.
      settings.push_back(
          {.name = "listener.security.protocol.map", .value = protocols, .where = "--listen", .adds = true});
    }
  }
  if (!flags.data.empty()) settings.push_back({"log.dirs", flags.data, "--data", true});
  if (!flags.admin.empty()) settings.push_back({"admin.listener", flags.admin, "--admin", true});
  return settings;
}

Command stop(int exit_code, std::string output) {
  Command command;
  command.exit_code = exit_code;
  command.output = std::move(output);
  if (!command.output.empty() && command.output.back() != '\n') command.output += '\n';
  return command;
}

Command run(const Flags& flags, const ConfigMap& environment) {
  if (!flags.check_data.directory.empty()) {
    Command command;
    command.check_data = flags.check_data;
    return command;
  }
  const auto settings = settings_of(flags);
  if (!settings) return stop(1, settings.error().message());
  auto loaded = load_configuration(flags.config, environment, *settings);
  if (!loaded) return stop(1, loaded.error().message());
  if (flags.print) return stop(0, print_configuration(loaded->options));
  if (flags.check) {
    std::string output;
    for (const std::string& warning : loaded->warnings) output += "warning: " + warning + "\n";
    return stop(0, output + "the configuration is fine" + (flags.config.empty() ? "" : ": " + flags.config));
  }
  Command command;
  command.run = true;
  command.configuration = std::move(*loaded);
  return command;
}

}  // namespace

Command read_command_line(std::span<const std::string> arguments, const ConfigMap& environment,
                          std::string_view version) {
  CLI::App app;
  Flags flags;
  try {
    declare(app, flags, std::string(version));
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return stop(0, app.help());
  } catch (const CLI::CallForVersion&) {
    return stop(0, "cmsd " + std::string(version));
  } catch (const CLI::Error& error) {
    return stop(1, std::string(error.what()) + "\ncmsd --help lists the flags");
  }
  return run(flags, environment);
}

}  // namespace cms::broker
