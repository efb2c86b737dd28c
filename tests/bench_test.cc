// SPDX-License-Identifier: Apache-2.0
// The load generator against a broker as users run it: what it says of the records, never how fast they were.
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "tests/broker_test.h"

namespace cms::tests {
namespace {

using nlohmann::json;

class BenchTest : public BrokerTest {
 protected:
  static Finished bench(std::vector<std::string> arguments) {
    std::vector<std::string> command{program_path("cms"), "-b", broker().address(), "bench", "--quiet"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run_program(command);
  }

  static json measured(std::vector<std::string> arguments) {
    for (const char* const argument : {"--duration", "1", "--warm-up", "0.2", "-o", "json"})
      arguments.emplace_back(argument);
    const Finished finished = bench(std::move(arguments));
    EXPECT_EQ(finished.exit_code, 0) << finished.err << finished.out.substr(0, 2'000);
    return json::parse(finished.out, nullptr, false);
  }

  // The drivers of Kafka's protocol and ours that this build has.
  static std::vector<std::string> drivers() {
    std::vector<std::string> all{"kafka", "native"};
    if (bench({"--driver", "librdkafka", "--rate", "10", "--duration", "0.1", "--warm-up", "0"}).exit_code == 0)
      all.emplace_back("librdkafka");
    return all;
  }

  static void expect_correct(const json& run, std::uint64_t subscriptions = 1) {
    ASSERT_FALSE(run.is_discarded());
    const json& told = run.at("correctness");
    EXPECT_TRUE(told.at("correct").get<bool>()) << told.dump();
    EXPECT_GT(told.at("sent").get<std::uint64_t>(), 0u);
    EXPECT_EQ(told.at("received").get<std::uint64_t>(), subscriptions * told.at("sent").get<std::uint64_t>());
    EXPECT_GT(run.at("latency_us").at("end_to_end").at("count").get<std::uint64_t>(), 0u);
  }

  static std::string file(const std::string& name, const std::string& text) {
    const std::string path = broker().data() + "-" + name;
    std::ofstream(path) << text;
    return path;
  }
};

TEST_F(BenchTest, KafkaRecordsComeOnceInOrderAndUnchanged) {
  expect_correct(measured({"--rate", "2000", "--size", "100", "--topics", "2", "--partitions", "3", "--producers", "2",
                           "--subscriptions", "2", "--consumers", "2"}),
                 2);
}

TEST_F(BenchTest, NativeRecordsComeOnceInOrderAndUnchanged) {
  for (const char* const channel : {"shm", "tcp"}) {
    expect_correct(measured({"--driver", "native", "--channel", channel, "--rate", "2000", "--size", "100",
                             "--partitions", "3", "--producers", "2", "--subscriptions", "2", "--consumers", "2"}),
                   2);
  }
}

TEST_F(BenchTest, RecordsOfLibrdkafkaComeOnceInOrderAndUnchanged) {
  if (drivers().size() < 3) GTEST_SKIP() << "built without librdkafka";
  for (const char* const codec : {"none", "gzip", "snappy", "lz4", "zstd"}) {
    const json run =
        measured({"--driver", "librdkafka", "--compression", codec, "--acks", "-1", "--rate", "2000", "--size", "200",
                  "--partitions", "3", "--producers", "2", "--subscriptions", "2", "--consumers", "2"});
    expect_correct(run, 2);
    EXPECT_EQ(run.at("workload").at("compressionType"), codec);
  }
}

TEST_F(BenchTest, AnOptionOfAnotherDriverIsRefused) {
  const Finished finished = bench({"--linger-ms", "5"});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_NE(finished.err.find("--driver librdkafka"), std::string::npos) << finished.err;
}

TEST_F(BenchTest, TheClosedLoopSendsAsMuchAsGoesThrough) {
  for (const std::string& driver : drivers())
    expect_correct(measured({"--driver", driver, "--rate", "0", "--records-in-flight", "100", "--producers", "3"}));
}

TEST_F(BenchTest, ManyPartitionsAreReadInOneSession) {
  expect_correct(measured({"--rate", "3000", "--partitions", "300", "--size", "64", "--poisson"}));
}

TEST_F(BenchTest, LargeRecordsGoThrough) {
  for (const std::string& driver : drivers())
    expect_correct(measured({"--driver", driver, "--rate", "20", "--size", "1000000"}));
}

TEST_F(BenchTest, AWorkloadFileWithABacklogIsRunAndDrained) {
  const std::string path = file("backlog.yaml",
                                "messageSize: 200\n"
                                "producerRate: 5000\n"
                                "consumerBacklogSizeGB: 0.0005\n"
                                "keyDistributor: KEY_ROUND_ROBIN\n"
                                "partitionsPerTopic: 2\n"
                                "testDurationMinutes: 0.01\n");
  for (const char* const driver : {"kafka", "native"}) {
    const json run = measured({path, "--driver", driver});
    expect_correct(run);
    EXPECT_GE(run.at("backlog").at("records").get<std::uint64_t>(), 2'500u);
    EXPECT_EQ(run.at("workload").at("keyDistributor"), "KEY_ROUND_ROBIN");
  }
  std::filesystem::remove(path);
}

TEST_F(BenchTest, AWrongWorkloadFileSaysWhere) {
  const std::string path = file("wrong.yaml", "topics: 1\nproducerrate: 5\n");
  const Finished finished = bench({path});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_NE(finished.err.find("line 2: there is no field 'producerrate' (did you mean 'producerRate'?)"),
            std::string::npos)
      << finished.err;
  std::filesystem::remove(path);
}

TEST_F(BenchTest, TwoRunsAreComparedAndTheLogIsWritten) {
  const std::string log = broker().data() + "-log.hlog";
  const json run = measured({"--rate", "1000", "--histogram-log", log});
  expect_correct(run);
  std::ifstream written(log);
  const std::string text((std::istreambuf_iterator<char>(written)), std::istreambuf_iterator<char>());
  EXPECT_NE(text.find("Tag=end_to_end,"), std::string::npos);
  EXPECT_NE(text.find(",HISTFAAAA"), std::string::npos);
  const std::string a = file("a.json", run.dump());
  const Finished compared = bench({"--compare", a, a});
  EXPECT_EQ(compared.exit_code, 0) << compared.err;
  EXPECT_NE(compared.out.find("end to end p99.9 us"), std::string::npos) << compared.out;
  EXPECT_NE(compared.out.find("1.000"), std::string::npos) << compared.out;
  const std::string page = broker().data() + "-page.html";
  EXPECT_EQ(bench({"--report", page, a, a}).exit_code, 0);
  EXPECT_GT(std::filesystem::file_size(page), 2'000u);
  const std::string b = file("b.json", "{\"format\": 1}");
  EXPECT_EQ(bench({"--compare", a, b}).exit_code, 2);
  for (const std::string& path : {log, a, b, page}) std::filesystem::remove(path);
}

TEST_F(BenchTest, EveryCodecComesThroughUnchanged) {
  for (const char* const codec : {"gzip", "snappy", "lz4", "zstd"})
    expect_correct(measured({"--rate", "0", "--size", "300", "--compression", codec}));
  const Finished refused = bench({"--driver", "native", "--compression", "lz4"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("does not compress"), std::string::npos) << refused.err;
}

TEST_F(BenchTest, ASweepTellsLatencyOverTheRateAndWhatTheBrokerUsed) {
  const json swept = measured({"--sweep", "--percents", "20,50", "--pid", std::to_string(broker().pid())});
  ASSERT_EQ(swept.at("runs").size(), 2u);
  EXPECT_GT(swept.at("highest_per_second").get<double>(), 0);
  for (const json& run : swept.at("runs")) {
    expect_correct(run);
    EXPECT_GT(run.at("broker").at("cpu_seconds").get<double>(), 0);
    EXPECT_GT(run.at("broker").at("resident_mb").get<double>(), 1);
  }
  EXPECT_EQ(bench({"--system-calls"}).exit_code, 2);
}

TEST_F(BenchTest, ConnectionsBesideTheLoadAreServed) {
  const json run = measured({"--rate", "1000", "--idle-connections", "300", "--connects-per-second", "100"});
  expect_correct(run);
  const json& connections = run.at("connections");
  EXPECT_EQ(connections.at("idle"), 300);
  EXPECT_EQ(connections.at("idle_lost"), 0);
  EXPECT_EQ(connections.at("failed"), 0) << connections.at("first_problem");
  EXPECT_GE(connections.at("opened").get<int>(), 50);
  EXPECT_GT(connections.at("connect_us").at("count").get<int>(), 0);
}

TEST_F(BenchTest, NoTopicIsLeftOver) {
  expect_correct(measured({"--rate", "100", "--topics", "3"}));
  const Finished listed = run_program({program_path("cms"), "-b", broker().address(), "topic", "list"});
  EXPECT_EQ(listed.exit_code, 0) << listed.err;
  EXPECT_EQ(listed.out.find("cms-bench-"), std::string::npos) << listed.out;
}

}  // namespace
}  // namespace cms::tests
