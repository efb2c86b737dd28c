// SPDX-License-Identifier: Apache-2.0
// The command line cms, as people and scripts use it.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "tests/broker_test.h"

namespace cms::tests {
namespace {

using nlohmann::json;

// Exit codes of cms.
constexpr int done = 0;
constexpr int refused = 1;
constexpr int wrong_usage = 2;
constexpr int unreachable = 3;

class CommandLineTest : public BrokerTest {
 protected:
  static Finished cms(std::vector<std::string> arguments, std::string_view input = {}) {
    std::vector<std::string> command{program_path("cms"), "-b", broker().address()};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run_program(command, input);
  }

  static json asked(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"-o", "json"});
    const Finished finished = cms(arguments);
    EXPECT_EQ(finished.exit_code, done) << finished.err;
    return json::parse(finished.out);
  }
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST_F(CommandLineTest, TopicsOfThreeDurabilitiesAreMadeDescribedAndDeleted) {
  for (const std::string durability : {"persistent", "volatile", "transient"}) {
    const std::string name = topic() + "-" + durability;
    const Finished made = cms({"topic", "create", name, "-p", "3", "--durability", durability});
    EXPECT_EQ(made.exit_code, done) << made.err;
    EXPECT_NE(made.out.find("/cms/topics/" + name), std::string::npos) << made.out;
    const json described = asked({"topic", "describe", name});
    EXPECT_EQ(described["topic"], name);
    EXPECT_EQ(described["durability"], durability);
    EXPECT_EQ(described["path"], "/cms/topics/" + name);
    EXPECT_EQ(described["partitions"].size(), 3u);
    const Finished table = cms({"topic", "describe", name});
    EXPECT_NE(table.out.find(durability), std::string::npos) << table.out;
    const json all = asked({"topic", "list"});
    EXPECT_EQ(std::ranges::count_if(all, [&](const json& one) { return one["topic"] == name; }), 1);
    EXPECT_EQ(cms({"topic", "delete", name}).exit_code, done);
    EXPECT_EQ(cms({"topic", "describe", name}).exit_code, refused);
  }
}

TEST_F(CommandLineTest, RecordsComeBackAsTheyWereSentWithEveryCodec) {
  std::string input;
  for (int i = 0; i < 1000; ++i) input += "key" + std::to_string(i) + ":value " + std::to_string(i * i) + "\n";
  for (const std::string codec : {"none", "gzip", "snappy", "lz4", "zstd"}) {
    const std::string name = topic() + codec;
    EXPECT_EQ(cms({"topic", "create", name}).exit_code, done);
    const Finished produced = cms({"produce", name, "-k", ":", "--compression", codec, "--idempotent"}, input);
    EXPECT_EQ(produced.exit_code, done) << produced.err;
    const Finished consumed = cms({"consume", name, "-f", "%k:%s\\n"});
    EXPECT_EQ(consumed.exit_code, done) << consumed.err;
    EXPECT_EQ(consumed.out, input) << codec;
  }
}

TEST_F(CommandLineTest, WholeFileIsOneRecordByteForByte) {
  std::string bytes(300'000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 131 >> 3);
  EXPECT_EQ(cms({"produce", topic(), "--whole", "--key", "it", "-H", "type=binary"}, bytes).exit_code, done);
  EXPECT_EQ(cms({"consume", topic(), "-f", "%s"}).out, bytes);
  EXPECT_EQ(cms({"consume", topic(), "-f", "%k %h %S\\n"}).out, "it type=binary 300000\n");
}

TEST_F(CommandLineTest, ConsumeStartsWhereItIsToldTo) {
  std::string input;
  for (int i = 0; i < 20; ++i) input += std::to_string(i) + "\n";
  EXPECT_EQ(cms({"produce", topic()}, input).exit_code, done);
  const auto first = [&](const std::string& from) {
    const Finished consumed = cms({"consume", topic(), "--from", from, "-n", "2"});
    EXPECT_EQ(consumed.exit_code, done) << consumed.err;
    return lines_of(consumed.out);
  };
  EXPECT_EQ(first("start"), (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(first("7"), (std::vector<std::string>{"7", "8"}));
  EXPECT_EQ(first("-3"), (std::vector<std::string>{"17", "18"}));
  EXPECT_EQ(first("1h"), (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(first("@" + std::to_string(now_ms() - 60'000)), (std::vector<std::string>{"0", "1"}));
  EXPECT_TRUE(cms({"consume", topic(), "--from", "end"}).out.empty());
}

TEST_F(CommandLineTest, FollowingATransientTopicGetsWhatIsProducedMeanwhile) {
  EXPECT_EQ(cms({"topic", "create", topic(), "--durability", "transient"}).exit_code, done);
  const storage::TestDirectory directory;
  const std::string path = directory / "out";
  const int out = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
  const pid_t follower = start_program(
      {program_path("cms"), "-b", broker().address(), "consume", topic(), "--from", "end", "--follow", "-n", "3"},
      {-1, out, -1});
  ::close(out);
  // It is not known when it begins to wait; so records are produced until it has had its three.
  std::optional<int> exit_code;
  int produced = 0;
  while (!exit_code && produced < 2000) {
    append(wire_, topic(), batch_of(std::to_string(produced++)));
    exit_code = wait_for_exit(follower, milliseconds(20));
  }
  ASSERT_EQ(exit_code, done);
  std::ifstream file(path);
  const std::vector<std::string> lines = lines_of(std::string(std::istreambuf_iterator<char>(file), {}));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(std::stoi(lines[1]), std::stoi(lines[0]) + 1);
  EXPECT_EQ(std::stoi(lines[2]), std::stoi(lines[0]) + 2);
}

TEST_F(CommandLineTest, InterruptedFollowerEndsAndTellsSo) {
  EXPECT_EQ(cms({"topic", "create", topic()}).exit_code, done);
  append(wire_, topic(), batch_of("first"));
  int out[2];
  ASSERT_EQ(::pipe(out), 0);
  const pid_t follower =
      start_program({program_path("cms"), "-b", broker().address(), "consume", topic(), "--follow"}, {-1, out[1], -1});
  char first[5];
  ASSERT_EQ(::read(out[0], first, sizeof first), 5);  // it is at work now
  ::kill(follower, SIGINT);
  EXPECT_EQ(wait_for_exit(follower), 130);
  ::close(out[0]);
  ::close(out[1]);
}

TEST_F(CommandLineTest, ConfigurationsAreSetShownAndReset) {
  EXPECT_EQ(cms({"topic", "create", topic(), "-c", "retention.ms=60000"}).exit_code, done);
  EXPECT_NE(cms({"config", "get", "topic", topic()}).out.find("60000"), std::string::npos);
  EXPECT_EQ(cms({"config", "set", "topic", topic(), "retention.ms=70000"}).exit_code, done);
  EXPECT_EQ(asked({"topic", "describe", topic()})["configs"]["retention.ms"]["value"], "70000");
  EXPECT_EQ(cms({"config", "delete", "topic", topic(), "retention.ms"}).exit_code, done);
  EXPECT_FALSE(asked({"topic", "describe", topic()})["configs"].contains("retention.ms"));
  const Finished wrong = cms({"config", "set", "topic", topic(), "retention.ms=soon"});
  EXPECT_EQ(wrong.exit_code, refused);
  EXPECT_NE(wrong.err.find("INVALID_CONFIG"), std::string::npos) << wrong.err;
  EXPECT_EQ(cms({"topic", "alter", topic(), "-p", "4"}).exit_code, done);
  EXPECT_EQ(asked({"topic", "describe", topic()})["partitions"].size(), 4u);
  EXPECT_EQ(cms({"topic", "alter", topic(), "-p", "2"}).exit_code, refused);
}

TEST_F(CommandLineTest, ExitCodesTellWhoseFaultItWas) {
  EXPECT_EQ(cms({"topic", "create", topic()}).exit_code, done);
  const Finished again = cms({"topic", "create", topic()});
  EXPECT_EQ(again.exit_code, refused);
  EXPECT_NE(again.err.find("TOPIC_ALREADY_EXISTS"), std::string::npos) << again.err;
  EXPECT_EQ(cms({"topic", "create", topic(), "--if-not-exists"}).exit_code, done);
  EXPECT_EQ(cms({"topic", "delete", "no-such-topic"}).exit_code, refused);
  EXPECT_EQ(cms({"topic", "delete", "no-such-topic", "--if-exists"}).exit_code, done);
  const Finished unknown = cms({"topics", "list"});
  EXPECT_EQ(unknown.exit_code, wrong_usage);
  EXPECT_NE(unknown.err.find("topic"), std::string::npos) << unknown.err;
  EXPECT_EQ(cms({"topic", "create"}).exit_code, wrong_usage);
  const Finished alone = run_program({program_path("cms"), "-b", "127.0.0.1:1", "topic", "list"});
  EXPECT_EQ(alone.exit_code, unreachable);
  EXPECT_NE(alone.err.find("127.0.0.1:1"), std::string::npos) << alone.err;
}

TEST_F(CommandLineTest, HelpHasAnExampleEverywhere) {
  const std::vector<std::vector<std::string>> commands{{},
                                                       {"topic"},
                                                       {"topic", "create"},
                                                       {"topic", "list"},
                                                       {"topic", "describe"},
                                                       {"topic", "alter"},
                                                       {"topic", "delete"},
                                                       {"produce"},
                                                       {"consume"},
                                                       {"config"},
                                                       {"config", "get"},
                                                       {"config", "set"},
                                                       {"config", "delete"}};
  for (std::vector<std::string> command : commands) {
    command.emplace_back("--help");
    const Finished help = cms(command);
    EXPECT_EQ(help.exit_code, done);
    EXPECT_NE(help.out.find("Example"), std::string::npos) << help.out;
  }
}

}  // namespace
}  // namespace cms::tests
