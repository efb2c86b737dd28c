// SPDX-License-Identifier: Apache-2.0
// The example programs, as they are built here and as a user builds them against what is installed; and the commands
// that use the native library.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "tests/native_test.h"

namespace cms::tests {
namespace {

using nlohmann::json;

class NativeProgramsTest : public BrokerTest {
 protected:
  static Finished cms(std::vector<std::string> arguments, std::string_view input = {}) {
    std::vector<std::string> command{program_path("cms"), "-b", broker().address()};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run_program(command, input);
  }
};

// A program whose output can be waited for; killed when it goes.
class Running {
 public:
  explicit Running(const std::vector<std::string>& arguments) {
    int out[2];
    CHECK(::pipe2(out, O_CLOEXEC | O_NONBLOCK) == 0);
    pid_ = start_program(arguments, {-1, out[1], -1});
    ::close(out[1]);
    out_ = out[0];
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    if (pid_ >= 0) end(SIGKILL);
    ::close(out_);
  }

  std::optional<int> end(int signal) {
    ::kill(pid_, signal);
    return wait_for_exit(std::exchange(pid_, -1));
  }

  // All that it has printed until now.
  const std::string& text() {
    char bytes[4096];
    for (ssize_t got; (got = ::read(out_, bytes, sizeof bytes)) > 0;)
      text_.append(bytes, static_cast<std::size_t>(got));
    return text_;
  }

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  std::string text_;
};

// Calls `publish` until the subscriber, which begins to listen some time, has printed something.
template <typename Publish>
std::string first_heard(Running& subscriber, Publish publish) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (subscriber.text().empty() && std::chrono::steady_clock::now() < deadline) {
    publish();
    std::this_thread::sleep_for(milliseconds(20));
  }
  return subscriber.text().substr(0, subscriber.text().find('\n') + 1);
}

TEST_F(NativeProgramsTest, TheHelloProgramsTalkToEachOther) {
  create_topic(wire_, topic());
  Running subscriber({program_path("hello_subscriber"), broker().address(), topic()});
  const std::string line = first_heard(subscriber, [&] {
    const Finished published =
        run_program({program_path("hello_publisher"), broker().address(), topic(), "good morning"});
    EXPECT_EQ(published.exit_code, 0) << published.err;
  });
  EXPECT_EQ(line, "good morning\n");
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

std::string build_directory() {
  return std::filesystem::path(program_path("cms")).parent_path().parent_path().string();
}

void expect_runs(const std::string& program, const std::string& address) {
  const Finished said = run_program({program, address, "installed", "hello"});
  EXPECT_EQ(said.exit_code, 0) << said.err;
}

TEST_F(NativeProgramsTest, AnExampleBuildsAgainstWhatIsInstalledWithPkgConfigAndWithCMake) {
  const storage::TestDirectory directory;
  const std::string prefix = directory / "prefix";
  const Finished installed = run_program({"/usr/bin/cmake", "--install", build_directory(), "--prefix", prefix});
  ASSERT_EQ(installed.exit_code, 0) << installed.err;
  const std::string source = std::filesystem::absolute("client/examples/hello_publisher.cc").string();
  const std::string by_hand = directory / "by_hand";
  const Finished compiled = run_program(
      {"/bin/sh", "-c",
       "PKG_CONFIG_PATH=$(dirname $(find " + prefix + " -name cms.pc)); export PKG_CONFIG_PATH; " +
           "c++ -std=c++20 -Wall -Wextra -Werror " + source + " -o " + by_hand + " $(pkg-config --cflags --libs cms)"},
      {}, milliseconds(300'000));
  ASSERT_EQ(compiled.exit_code, 0) << compiled.err;
  expect_runs(by_hand, broker().address());

  std::filesystem::create_directory(directory / "project");
  std::ofstream(directory / "project/CMakeLists.txt") << "cmake_minimum_required(VERSION 3.25)\nproject(hello CXX)\n"
                                                         "find_package(cms 0.1 REQUIRED)\nadd_executable(hello "
                                                      << source << ")\ntarget_link_libraries(hello cms::cms)\n";
  const Finished configured = run_program(
      {"/usr/bin/cmake", "-S", directory / "project", "-B", directory / "build", "-DCMAKE_PREFIX_PATH=" + prefix}, {},
      milliseconds(300'000));
  ASSERT_EQ(configured.exit_code, 0) << configured.err;
  const Finished built = run_program({"/usr/bin/cmake", "--build", directory / "build"}, {}, milliseconds(300'000));
  ASSERT_EQ(built.exit_code, 0) << built.out;
  expect_runs(directory / "build/hello", broker().address());
  EXPECT_EQ(run_program({prefix + "/bin/cms", "--version"}).exit_code, 0);
}

#endif

TEST_F(NativeProgramsTest, SubscribePrintsEachRecordAtOnce) {
  create_topic(wire_, topic());
  Running subscriber({program_path("cms"), "-b", broker().address(), "subscribe", topic(), "-f", "%t %s\\n"});
  EXPECT_EQ(first_heard(subscriber, [&] { append(wire_, topic(), batch_of("hello")); }), topic() + " hello\n");
  EXPECT_EQ(subscriber.end(SIGINT), 130);
}

TEST_F(NativeProgramsTest, LinesGoThroughPublishAndSubscribe) {
  std::string lines;
  for (int i = 0; i < 1000; ++i) lines += "key" + std::to_string(i) + ":value " + std::to_string(i) + "\n";
  create_topic(wire_, topic());
  const Finished published = cms({"publish", topic(), "-k", ":", "-H", "trace=7f3a", "-o", "json"}, lines);
  ASSERT_EQ(published.exit_code, 0) << published.err;
  EXPECT_EQ(json::parse(published.out)["records"], 1000);
  const Finished subscribed = cms({"subscribe", topic(), "--from", "earliest", "-n", "1000", "-f", "%k:%s\\n"});
  EXPECT_EQ(subscribed.exit_code, 0) << subscribed.err;
  EXPECT_EQ(subscribed.out, lines);
  const Finished one = cms({"-o", "json", "subscribe", topic().substr(0, 10) + "*", "--from", "999", "--max", "1"});
  EXPECT_EQ(json::parse(one.out)["value"], "value 999") << one.out;
}

TEST_F(NativeProgramsTest, PingTellsItsPercentilesAndRemovesItsTopic) {
  const Finished pinged = cms({"ping", "--channel", "tcp", "-n", "200", "--stages", "-o", "json"});
  ASSERT_EQ(pinged.exit_code, 0) << pinged.err;
  const json shown = json::parse(pinged.out);
  EXPECT_EQ(shown["channel"], "tcp");
  EXPECT_EQ(shown["count"], 200);
  EXPECT_GT(shown["round_trip_us"]["p50"], 0);
  EXPECT_LE(shown["round_trip_us"]["p50"], shown["round_trip_us"]["max"]);
  EXPECT_EQ(shown["stages_us"].size(), 5u);
  const Finished table = cms({"ping", "--channel", "tcp", "-n", "100", "--durability", "transient", "--rate", "1000"});
  EXPECT_EQ(table.exit_code, 0) << table.err;
  EXPECT_NE(table.out.find("publish to callback"), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("###"), std::string::npos) << table.out;
  EXPECT_EQ(cms({"topic", "list"}).out.find("cms-ping-"), std::string::npos);
}

TEST_F(NativeProgramsTest, TheNativeCommandsHelpWithAnExample) {
  for (const std::string command : {"subscribe", "publish", "ping"}) {
    const Finished help = cms({command, "--help"});
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_NE(help.out.find("Example"), std::string::npos) << help.out;
  }
  EXPECT_EQ(cms({"subscribe", topic(), "--from", "-3"}).exit_code, 2);
}

}  // namespace
}  // namespace cms::tests
