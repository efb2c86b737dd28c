// SPDX-License-Identifier: Apache-2.0
// The command line.
#include <unistd.h>

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "client/commands/bench.h"
#include "client/commands/config.h"
#include "client/commands/consume.h"
#include "client/commands/context.h"
#include "client/commands/group.h"
#include "client/commands/ping.h"
#include "client/commands/produce.h"
#include "client/commands/publish.h"
#include "client/commands/subscribe.h"
#include "client/commands/suggest.h"
#include "client/commands/top.h"
#include "client/commands/topic.h"

namespace cms::client {
namespace {

void declare(CLI::App& app, Context& context) {
  app.set_version_flag("--version", "cms 0.1.0");
  app.add_option("-b,--bootstrap", context.bootstrap, "The broker: HOST:PORT or unix:/path, several with commas")
      ->envname("CMS_BOOTSTRAP")
      ->default_val("127.0.0.1:9092");
  app.add_option("-o,--output", context.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->default_val("table");
  app.footer(
      "Examples:\n"
      "  cms topic create orders -p 4\n"
      "  echo '1:first' | cms produce orders -k :\n"
      "  cms consume orders -f '%p %o %k %s\\n'\n"
      "  cms subscribe 'sensors.*'\n"
      "  cms group describe billing\n"
      "  cms -b broker.example:9092 topic describe orders -o json\n"
      "Exit codes: 0 done, 1 refused by the broker or not there, 2 wrong command line, 3 no broker reached or lost,\n"
      "130 interrupted.");
  app.require_subcommand(1);
  app.fallthrough();
  declare_topic_commands(app, context);
  declare_produce_command(app, context);
  declare_consume_command(app, context);
  declare_publish_command(app, context);
  declare_subscribe_command(app, context);
  declare_ping_command(app, context);
  declare_bench_command(app, context);
  declare_group_commands(app, context);
  declare_config_commands(app, context);
  declare_top_command(app, context);
}

std::vector<std::string> commands_of(const CLI::App* app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app->get_subcommands([](const CLI::App*) { return true; })) {
    if (!command->get_name().empty()) names.push_back(command->get_name());  // an option group has none
  }
  return names;
}

// The first word that should name a command of `app` or of one below it and does not, with what was perhaps meant, or
// that such a word is missing. CLI11 alone would call it an unexpected argument.
std::string wrong_command(CLI::App* app, const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.starts_with('-')) {
      const CLI::App* top = app->get_parent() == nullptr ? app : app->get_parent();
      const CLI::Option* option = top->get_option_no_throw(word);
      if (option != nullptr && option->get_items_expected_max() > 0) ++i;  // its value
      continue;
    }
    const std::vector<std::string> names = commands_of(app);
    if (names.empty()) return {};
    if (std::find(names.begin(), names.end(), word) == names.end())
      return "there is no command '" + word + "'" + did_you_mean(word, names);
    app = app->get_subcommand(word);
  }
  std::string missing;
  for (const std::string& name : commands_of(app)) missing += (missing.empty() ? "which command? " : ", ") + name;
  return missing;
}

int run(int argc, char** argv) {
  CLI::App app("Topics, records, groups and configurations of a CMS broker, or of any Kafka broker.", "cms");
  Context context;
  declare(app, context);
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return app.exit(version);
  } catch (const CLI::ParseError& error) {
    const std::string wrong = wrong_command(&app, words);
    return usage((wrong.empty() ? std::string(error.what()) : wrong) + "; --help shows how");
  }
  CHECK(context.run);  // a command is required
  return context.run();
}

}  // namespace
}  // namespace cms::client

int main(int argc, char** argv) { return cms::client::run(argc, argv); }
