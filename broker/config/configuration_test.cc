// SPDX-License-Identifier: Apache-2.0
#include "broker/config/configuration.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "broker/config/option_table.h"
#include "broker/config/settings.h"

namespace cms::broker {
namespace {

class ConfigurationTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "cms_config_XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string file(const std::string& name, std::string_view text) const {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  static base::Result<Configuration> load(const std::string& file, const ConfigMap& environment = {},
                                          const std::vector<Setting>& flags = {}) {
    return load_configuration(file, environment, flags);
  }
  static Command command(const std::vector<std::string>& arguments, const ConfigMap& environment = {}) {
    return read_command_line(arguments, environment, "1.2.3");
  }
  // The message without the directory in front of the file's name.
  std::string error_of(std::string_view text, const std::string& name = "cmsd.toml") const {
    const auto loaded = load(file(name, text));
    if (loaded) return "no error";
    std::string message = loaded.error().message();
    for (std::size_t at; (at = message.find(directory_ + "/")) != std::string::npos;)
      message.erase(at, directory_.size() + 1);
    return message;
  }

  std::string directory_;
};

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST_F(ConfigurationTest, NothingAtAllIsAWorkingConfiguration) {
  const auto loaded = load("");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(print_listeners(loaded->options.listeners), "PLAINTEXT://127.0.0.1:9092");
  EXPECT_EQ(loaded->options.admin_address, "127.0.0.1:9644");
  EXPECT_GE(loaded->options.core_count, 1);
  EXPECT_FALSE(loaded->options.data_directory.empty());
  EXPECT_TRUE(loaded->options.given.empty());
  EXPECT_TRUE(loaded->warnings.empty());
}

TEST_F(ConfigurationTest, EachSourceOverridesTheOneBefore) {
  const std::string path = file("cmsd.toml", "num.partitions = 2\nfetch.max.bytes = 2000\nmax.connections = 2\n");
  const ConfigMap environment = {{"CMS_FETCH__MAX__BYTES", "3000"}, {"CMS_MAX__CONNECTIONS", "3"}};
  const auto loaded = load(path, environment, {{"max.connections", "4", "--set", true}});
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->options.num_partitions, 2);
  EXPECT_EQ(loaded->options.fetch_max_bytes, 3000);
  EXPECT_EQ(loaded->options.max_connections, 4);
  EXPECT_EQ(loaded->options.given.at("max.connections"), "4");
}

TEST_F(ConfigurationTest, DottedKeysAndTablesAreTheSame) {
  const auto loaded = load(file("a.toml",
                                "[log.retention]\nms = 1000\n[num]\npartitions = 3\n[log.message]\n"
                                "\"timestamp.type\" = \"LogAppendTime\"\n"));
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->options.num_partitions, 3);
  EXPECT_EQ(loaded->options.given.at("log.retention.ms"), "1000");
  EXPECT_EQ(loaded->options.given.at("log.message.timestamp.type"), "LogAppendTime");
}

TEST_F(ConfigurationTest, ErrorsNameFileLineColumnOptionAndReason) {
  EXPECT_EQ(
      error_of("\nnum.partitions = 0\n"),
      "cmsd.toml:2:5: num.partitions: Invalid value 0 for configuration num.partitions: Value must be at least 1");
  EXPECT_EQ(
      error_of("core.pinning = 1\n"),
      "cmsd.toml:1:6: core.pinning: Invalid value 1 for configuration core.pinning: Expected value to be either true "
      "or false");
  EXPECT_TRUE(contains(error_of("num.partitions = = 3\n"), "cmsd.toml:1:18: not valid TOML: "));
  EXPECT_TRUE(contains(error_of("[=a\n"), "cmsd.toml:1:2: not valid TOML: ")) << error_of("[=a\n");
  EXPECT_TRUE(contains(error_of("[[=a\n"), "cmsd.toml:1:3: not valid TOML: "));
  EXPECT_EQ(error_of("num.partitions = 2020-01-01\n"),
            "cmsd.toml:1:18: num.partitions must be a number, a string, true or false, or a list of these");
}

TEST_F(ConfigurationTest, AnUnknownOptionIsAnErrorWithASuggestion) {
  EXPECT_EQ(error_of("num.partition = 3\n"),
            "cmsd.toml:1:5: unknown option 'num.partition'; did you mean 'num.partitions'?");
  EXPECT_EQ(error_of("num_partitions = 3\n"),
            "cmsd.toml:1:1: unknown option 'num_partitions'; did you mean 'num.partitions'?");
  EXPECT_EQ(error_of("entirely.something = 3\n"),
            "cmsd.toml:1:10: unknown option 'entirely.something'; --print-config lists all options");
  EXPECT_EQ(error_of("retention.ms = 3\n"),
            "cmsd.toml:1:11: unknown option 'retention.ms'; it is a topic config: set it on a topic, in a [[pool]], or "
            "for all "
            "topics as log.retention.ms");
}

TEST_F(ConfigurationTest, AllErrorsAreShownAtOnce) {
  EXPECT_EQ(
      error_of("num.partitions = 0\nnode.id = -1\n"),
      "cmsd.toml:2:6: node.id: Invalid value -1 for configuration node.id: Value must be at least 0\n"
      "cmsd.toml:1:5: num.partitions: Invalid value 0 for configuration num.partitions: Value must be at least 1");
}

TEST_F(ConfigurationTest, AMissingFileIsAnErrorThatNamesIt) {
  const auto loaded = load(directory_ + "/none.toml");
  ASSERT_FALSE(loaded);
  EXPECT_TRUE(contains(loaded.error().message(), "none.toml: No such file or directory"));
}

constexpr std::string_view server_properties =
    "# A broker of Kafka's\nprocess.roles=broker,controller\nnode.id=7\n"
    "controller.quorum.bootstrap.servers=localhost:9093\nlisteners=PLAINTEXT://:9092,CONTROLLER://:9093\n"
    "inter.broker.listener.name=PLAINTEXT\nadvertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://"
    "localhost:9093\n"
    "controller.listener.names=CONTROLLER\n"
    "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL\nnum.network.threads=3\n"
    "num.io.threads=8\nsocket.send.buffer.bytes=102400\nlog.dirs=/tmp/kraft-combined-logs\nnum.partitions=1\n"
    "offsets.topic.replication.factor=1\nlog.retention.hours=168\nlog.segment.bytes=1073741824\n";

TEST_F(ConfigurationTest, AServerPropertiesIsTakenAsItIs) {
  for (const std::string name : {"server.properties", "kafka.conf"}) {
    const auto loaded = load(file(name, server_properties));
    ASSERT_TRUE(loaded) << loaded.error().message();
    EXPECT_EQ(loaded->options.node_id, 7);
    EXPECT_EQ(print_listeners(loaded->options.listeners), "PLAINTEXT://:9092");
    EXPECT_EQ(print_listeners(loaded->options.advertised_listeners), "PLAINTEXT://localhost:9092");
    EXPECT_EQ(loaded->options.given.at("listeners"), "PLAINTEXT://:9092");
    EXPECT_EQ(loaded->options.given.at("advertised.listeners"), "PLAINTEXT://localhost:9092");
    EXPECT_EQ(loaded->options.data_directory, "/tmp/kraft-combined-logs");
    EXPECT_EQ(loaded->options.given.at("log.retention.hours"), "168");
    ASSERT_EQ(loaded->warnings.size(), 1u);
    EXPECT_EQ(
        loaded->warnings.front(),
        "options of Kafka that have no effect here: controller.listener.names, controller.quorum.bootstrap.servers, "
        "inter.broker.listener.name, num.io.threads, num.network.threads, offsets.topic.replication.factor, "
        "process.roles, socket.send.buffer.bytes");
  }
}

TEST_F(ConfigurationTest, AnUnknownNameInServerPropertiesIsOnlyAWarning) {
  const auto loaded = load(file("server.properties", "num.partitons=3\nauthorizer.class.name=a.B\n"));
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->warnings.size(), 2u);
  EXPECT_TRUE(contains(loaded->warnings[0],
                       "server.properties:1:1: unknown option 'num.partitons'; did you mean 'num.partitions'?"));
  EXPECT_TRUE(
      contains(loaded->warnings[1], "authorizer.class.name; among them are security settings, which are NOT in force"));
}

TEST_F(ConfigurationTest, ABadValueInServerPropertiesNamesItsLine) {
  EXPECT_EQ(error_of("node.id=1\n\nnum.partitions=x\n", "server.properties"),
            "server.properties:3:1: num.partitions: Invalid value x for configuration num.partitions: Not a number of "
            "type INT");
}

TEST_F(ConfigurationTest, ValuesThatAreNoTextAreRefused) {
  EXPECT_TRUE(contains(error_of("log.dirs=/tmp/\xb1\n", "server.properties"),
                       "server.properties:1:1: log.dirs: the value is not"));
  EXPECT_TRUE(contains(error_of("broker.rack = \"\\u0000\"\n"), "zero byte"));
  for (const std::string_view bad :
       {"\x80", "\xc1\x81", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xff"}) {
    EXPECT_FALSE(is_text(bad));
  }
  EXPECT_TRUE(is_text("a\tb \xc3\xa9 \xe2\x82\xac \xf0\x9f\x8c\x8a"));
}

TEST_F(ConfigurationTest, PropertiesHaveJavasSyntax) {
  const auto read = read_properties("! no\n  a.b : 1 \\\n   2\nc\\=d=e\\u0041\\t\r\nempty\nspaced value\n", "f");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->settings.size(), 4u);
  EXPECT_EQ(read->settings[0].name, "a.b");
  EXPECT_EQ(read->settings[0].value, "1 2");
  EXPECT_EQ(read->settings[1].name, "c=d");
  EXPECT_EQ(read->settings[1].value, "eA\t");
  EXPECT_EQ(read->settings[1].where, "f:4:1");
  EXPECT_EQ(read->settings[2].value, "");
  EXPECT_EQ(read->settings[3].name, "spaced");
  EXPECT_FALSE(read_properties("a=\\u12", "f"));
}

TEST_F(ConfigurationTest, AListenerThatNeedsSecurityWeDoNotServeIsRefusedNotServedInTheClear) {
  const std::string message = error_of("listeners=SASL_SSL://:9092\n", "server.properties");
  EXPECT_TRUE(contains(message, "listener SASL_SSL asks for SASL_SSL, which this version does not serve")) << message;
  EXPECT_TRUE(contains(error_of("listeners = \"LAN://:9092\"\n"), "listener LAN has no security protocol"));
  EXPECT_EQ(error_of("listeners = \"LAN://:9092\"\nlistener.security.protocol.map = \"LAN:PLAINTEXT\"\n"), "no error");
}

TEST_F(ConfigurationTest, ListenersAreChecked) {
  EXPECT_TRUE(contains(error_of("listeners = \"PLAINTEXT://localhost\"\n"), "has no port"));
  EXPECT_TRUE(contains(error_of("listeners = \"PLAINTEXT://a:70000\"\n"), "has no port from 0 to 65535"));
  EXPECT_TRUE(contains(error_of("listeners = \"PLAINTEXT://::1:9092\"\n"), "brackets"));
  EXPECT_TRUE(contains(error_of("listeners = [\"A://h:1\", \"A://h:2\"]\n"), "has the name of another listener"));
  EXPECT_TRUE(contains(error_of("listeners = []\n"), "at least one listener"));
  EXPECT_TRUE(contains(error_of("advertised.listeners = \"OTHER://h:1\"\n"), "there is no listener named OTHER"));
  EXPECT_TRUE(
      contains(error_of("advertised.listeners = \"PLAINTEXT://0.0.0.0:1\"\n"), "no address a client could connect to"));
}

TEST_F(ConfigurationTest, PoolsGiveTopicConfigsByPrefix) {
  const auto loaded =
      load(file("a.toml",
                "[[pool]]\nprefix = \"/cms/topics/sensors.\"\ndurability = \"volatile\"\npartitions = 4\n"
                "retention.ms = 60_000\n[[pool]]\nprefix = \"/cms/topics/\"\nflush.messages = 1000\n"));
  ASSERT_TRUE(loaded) << loaded.error().message();
  const PoolRule* rule = loaded->options.pools.for_topic("sensors.a");
  ASSERT_NE(rule, nullptr);
  EXPECT_EQ(rule->partitions, 4);
  EXPECT_EQ(rule->configs, (ConfigMap{{"cms.durability", "volatile"}, {"retention.ms", "60000"}}));
  EXPECT_EQ(loaded->options.pools.for_topic("orders")->configs.at("flush.messages"), "1000");
}

TEST_F(ConfigurationTest, WrongPoolsAreErrorsWithTheirPlace) {
  EXPECT_EQ(error_of("[[pool]]\nprefix = \"/cms/topics/a\"\nretention.mss = 1\n"),
            "cmsd.toml:3:11: [[pool]] retention.mss: unknown topic config; did you mean 'retention.ms'?");
  EXPECT_TRUE(contains(error_of("[[pool]]\ndurability = \"volatile\"\n"), "has no prefix"));
  EXPECT_TRUE(contains(error_of("[[pool]]\nprefix = \"/a\"\n"), "must begin with /cms/topics/"));
  EXPECT_TRUE(contains(error_of("[pool]\nprefix = \"/cms/topics/a\"\n"), "begin each with [[pool]]"));
  EXPECT_TRUE(contains(error_of("[[pool]]\n"), "is empty"));
  EXPECT_TRUE(contains(error_of("[[pool]]\nprefix = \"/cms/topics/a\"\n[[pool]]\nprefix = \"/cms/topics/a\"\n"),
                       "another [[pool]] has the prefix"));
  EXPECT_TRUE(contains(error_of("[[pool]]\nprefix = \"/cms/topics/a\"\npartitions = 0\n"), "Value must be at least 1"));
}

TEST_F(ConfigurationTest, EnvironmentNamesHaveTwoUnderscoresForADot) {
  const auto loaded =
      load("", {{"CMS_LISTENERS", "PLAINTEXT://127.0.0.1:1"}, {"CMS_BOOTSTRAP", "x"}, {"HOME", "/home/u"}});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->options.listeners.front().port, 1);
  const auto unknown = load("", {{"CMS_NUM__PARTITION", "1"}});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message(),
            "environment CMS_NUM__PARTITION: unknown option 'num.partition'; did you mean 'num.partitions'?");
  const auto slip = load("", {{"CMS_NUM_PARTITIONS", "1"}});
  ASSERT_FALSE(slip);
  EXPECT_TRUE(contains(slip.error().message(), "did you mean 'num.partitions'?"));
}

TEST_F(ConfigurationTest, FlagsAreReadAndWin) {
  const Command run = command({"--data", "/d", "--listen", "127.0.0.1:1", "--listen", "unix:/run/cms.sock", "--listen",
                               "[::1]:2", "--admin", "off", "--set", "num.partitions=4", "--set", "node.id=2"},
                              {{"CMS_NODE__ID", "9"}});
  ASSERT_TRUE(run.run) << run.output;
  const Options& options = run.configuration.options;
  EXPECT_EQ(options.data_directory, "/d");
  EXPECT_EQ(print_listeners(options.listeners),
            "PLAINTEXT://127.0.0.1:1,UNIX://unix:/run/cms.sock,PLAINTEXT2://[::1]:2");
  EXPECT_EQ(options.listeners[1].security_protocol, "PLAINTEXT");
  EXPECT_TRUE(options.admin_address.empty());
  EXPECT_EQ(options.num_partitions, 4);
  EXPECT_EQ(options.node_id, 2);
}

TEST_F(ConfigurationTest, BareAddressLeavesTheProtocolsOfNamedListenersAsConfigured) {
  const std::string map = file("map.toml", "listener.security.protocol.map = \"LAN:PLAINTEXT,PLAINTEXT2:SSL\"\n");
  const Command run =
      command({"--config", map, "--listen", "LAN://127.0.0.1:1", "--listen", "unix:/run/a", "--listen", "[::1]:2"});
  ASSERT_TRUE(run.run) << run.output;
  for (const Listener& listener : run.configuration.options.listeners) {
    EXPECT_EQ(listener.security_protocol, "PLAINTEXT") << listener.name;
  }
  // Nor does it make an address less guarded than the file says.
  const Command guarded = command({"--config", map, "--listen", "127.0.0.1:1", "--listen", "127.0.0.1:2"});
  EXPECT_EQ(guarded.exit_code, 1);
  EXPECT_TRUE(contains(guarded.output, "listener PLAINTEXT2 asks for SSL")) << guarded.output;
}

TEST_F(ConfigurationTest, WrongFlagsExitWithOne) {
  EXPECT_EQ(command({"--set", "num.partitions"}).output, "--set num.partitions: write --set NAME=VALUE\n");
  EXPECT_EQ(command({"--set", "num.partition=3"}).output,
            "--set: unknown option 'num.partition'; did you mean 'num.partitions'?\n");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--lisen", "1"}, {"--listen", "nowhere"}, {"--admin", "x"}, {"--config"}, {"stray"}}) {
    const Command wrong = command(arguments);
    EXPECT_FALSE(wrong.run);
    EXPECT_EQ(wrong.exit_code, 1) << arguments.front();
    EXPECT_FALSE(wrong.output.empty());
  }
}

TEST_F(ConfigurationTest, HelpAndVersionExitWithZero) {
  EXPECT_EQ(command({"--version"}).output, "cmsd 1.2.3\n");
  const Command help = command({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_TRUE(contains(help.output, "--print-config"));
  EXPECT_TRUE(contains(help.output, "Example:"));
}

TEST_F(ConfigurationTest, CheckConfigSaysFineOrWrong) {
  const Command fine = command({"--check-config", "--config", file("server.properties", server_properties)});
  EXPECT_EQ(fine.exit_code, 0);
  EXPECT_TRUE(contains(fine.output, "warning: options of Kafka"));
  EXPECT_TRUE(contains(fine.output, "the configuration is fine"));
  const Command wrong = command({"--check-config", "--config", file("b.toml", "node.id = \"x\"\n")});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_TRUE(contains(wrong.output, "b.toml:1:6: node.id:"));
}

TEST_F(ConfigurationTest, WhatIsPrintedLoadsAsTheSame) {
  const auto before =
      load(file("a.toml",
                "num.partitions = 3\nlisteners = [\"PLAINTEXT://h:1\", \"B://unix:/s\"]\n"
                "listener.security.protocol.map = \"B:PLAINTEXT\"\nlog.cleaner.min.cleanable.ratio = 1\n"
                "broker.rack = 'a\"\\\tb'\nlog.cleanup.policy = [\"compact\", \"delete\"]\nlog.retention.ms = 5\n"
                "[[pool]]\nprefix = \"/cms/topics/a\"\ndurability = \"transient\"\npartitions = 2\n"));
  ASSERT_TRUE(before) << before.error().message();
  const auto after = load(file("b.toml", print_configuration(before->options)));
  ASSERT_TRUE(after) << after.error().message();
  EXPECT_EQ(after->options.given, before->options.given);
  EXPECT_EQ(after->options.rack, "a\"\\\tb");
  EXPECT_EQ(after->options.pools.all().front().configs, before->options.pools.all().front().configs);
  EXPECT_EQ(print_configuration(after->options), print_configuration(before->options));
}

TEST_F(ConfigurationTest, EveryPrintedDefaultAndExampleIsALegalValue) {
  std::stringstream printed(print_configuration(Options{}));
  std::string text;
  for (std::string line; std::getline(printed, line);) {
    const bool option = line.starts_with("#") && !line.starts_with("# ");
    text += (option ? line.substr(1) : line) + "\n";
  }
  const auto loaded = load(file("all.toml", text));
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->options.given.size(), OptionTable().all().size());
  EXPECT_EQ(loaded->options.pools.all().size(), 1u);
}

TEST_F(ConfigurationTest, TheExampleInTheTreeIsCurrent) {
  std::ifstream example("config/cmsd.toml");
  ASSERT_TRUE(example) << "run from the repository's root";
  std::stringstream text;
  text << example.rdbuf();
  EXPECT_EQ(text.str(), print_configuration(Options{})) << "write it anew: cmsd --print-config > config/cmsd.toml";
}

TEST(OptionTableTest, NamesDifferAndNoneIsTheTableOfAnother) {
  const OptionTable table;
  for (const OptionSpec& option : table.all()) {
    EXPECT_FALSE(option.documentation.empty()) << option.name;
    EXPECT_EQ(table.find(option.name), &option) << "twice: " << option.name;
    for (const OptionSpec& other : table.all()) {
      EXPECT_FALSE(other.name.starts_with(option.name + "."))
          << option.name << " cannot be both value and table in TOML";
    }
    if (option.default_text && !option.default_text->empty()) {
      EXPECT_EQ(why_not(option.rule, option.name, *option.default_text), std::nullopt);
    }
  }
}

TEST(OptionsTest, TheDataDirectoryFollowsXdg) {
  EXPECT_EQ(default_data_directory({{"HOME", "/home/u"}}, false), "/home/u/.local/state/cms");
  EXPECT_EQ(default_data_directory({{"HOME", "/home/u"}, {"XDG_STATE_HOME", "/s"}}, false), "/s/cms");
  EXPECT_EQ(default_data_directory({{"HOME", "/home/u"}, {"XDG_STATE_HOME", "relative"}}, false),
            "/home/u/.local/state/cms");
  EXPECT_EQ(default_data_directory({{"HOME", "/root"}}, true), "/var/lib/cms");
}

TEST(NearestNameTest, FindsSlipsAndNotStrangers) {
  const std::vector<std::string> names = {"num.partitions", "node.id", "log.retention.ms"};
  EXPECT_EQ(nearest_name("num.partitoins", names), "num.partitions");
  EXPECT_EQ(nearest_name("log-retention-ms", names), "log.retention.ms");
  EXPECT_EQ(nearest_name("zebra", names), "");
  EXPECT_EQ(nearest_name(std::string(100'000, 'x'), names), "");
}

}  // namespace
}  // namespace cms::broker
