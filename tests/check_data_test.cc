// SPDX-License-Identifier: Apache-2.0
// cmsd --check-data: what an operator sees of a data directory without a broker.
#include <filesystem>
#include <fstream>

#include "tests/broker_test.h"

namespace cms::tests {
namespace {

namespace fs = std::filesystem;

class CheckDataTest : public ::testing::Test {
 protected:
  void fill() {
    Wire wire(broker_.port());
    create_topic(wire, "orders", 2, {{"segment.bytes", "1048576"}});
    create_topic(wire, "ticks", 1, {{"cms.durability", "volatile"}});
    for (int i = 0; i < 8; ++i) append(wire, "orders", batch_of(std::string(400'000, 'x')), 1);
    append(wire, "orders", batch_of("one"), 0);
    append(wire, "ticks", batch_of("nowhere"));
  }

  Finished check(std::vector<std::string> flags = {}) const {
    std::vector<std::string> command{program_path("cmsd"), "--check-data", broker_.data()};
    command.insert(command.end(), flags.begin(), flags.end());
    return run_program(command);
  }

  std::string first_segment() const {
    for (const auto& entry : fs::recursive_directory_iterator(broker_.data() + "/topics")) {
      const std::string path = entry.path();
      if (path.ends_with("/1/00000000000000000000.log")) return path;
    }
    throw std::runtime_error("no segment");
  }

  BrokerProcess broker_;
};

TEST_F(CheckDataTest, SoundDataIsShownWithItsOffsetsAndIsLeftAsItWas) {
  fill();
  EXPECT_EQ(broker_.stop(), 0);
  const auto written = fs::last_write_time(first_segment());
  const Finished finished = check();
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_NE(finished.out.find("orders          0         1        1        1"), std::string::npos) << finished.out;
  EXPECT_NE(finished.out.find("2 partition(s), 0 problem(s)"), std::string::npos) << finished.out;
  EXPECT_EQ(finished.out.find("ticks"), std::string::npos);  // it has no files
  EXPECT_EQ(fs::last_write_time(first_segment()), written);
  const Finished json = check({"--json"});
  EXPECT_EQ(json.exit_code, 0);
  EXPECT_NE(json.out.find("\"end\": 8"), std::string::npos) << json.out;
}

TEST_F(CheckDataTest, DirectoryInUseIsLeftAloneUnlessForced) {
  fill();
  const Finished refused = check();
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.err.find("--force-read"), std::string::npos) << refused.err;
  const Finished forced = check({"--force-read"});
  EXPECT_EQ(forced.exit_code, 0) << forced.out;
  EXPECT_NE(forced.out.find("not closed"), std::string::npos) << forced.out;
  EXPECT_TRUE(serves(broker_.port()));
}

TEST_F(CheckDataTest, DamageIsToldWithFileAndPosition) {
  fill();
  EXPECT_EQ(broker_.stop(), 0);
  std::fstream(first_segment(), std::ios::in | std::ios::out | std::ios::binary).seekp(500'000).put('!');
  const Finished finished = check();
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.out.find("DAMAGED"), std::string::npos) << finished.out;
  EXPECT_NE(finished.out.find("problem: orders-1: " + first_segment() + ": wrong checksum at position 400"),
            std::string::npos)
      << finished.out;
}

TEST_F(CheckDataTest, WhatIsNoDataDirectoryIsAnError) {
  const Finished finished = run_program({program_path("cmsd"), "--check-data", "/nonexistent"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find("/nonexistent does not exist"), std::string::npos) << finished.err;
}

}  // namespace
}  // namespace cms::tests
