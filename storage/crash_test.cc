// SPDX-License-Identifier: Apache-2.0
// Power is lost at every write and sync of long scripts, over seeds; and the harness finds the bugs that are planted.
//
// A failure names its seed. CMS_CRASH_SEED=<seed> runs that one alone; CMS_CRASH_RECOVERIES=<count> does more or fewer.
#include <cstdlib>

#include <gtest/gtest.h>

#include "base/log.h"
#include "storage/crash_script.h"

namespace cms::storage::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t recoveries_wanted = 4'000;
constexpr std::uint64_t recover_one_in = 10;
#else
constexpr std::uint64_t recoveries_wanted = 100'000;
constexpr std::uint64_t recover_one_in = 1;
#endif

class CrashTest : public testing::Test {
 protected:
  // Recovery speaks of each thing that it repairs, and here there are thousands.
  void SetUp() override { base::set_log_level(base::LogLevel::error); }
  void TearDown() override { base::set_log_level(base::LogLevel::info); }

  static std::optional<std::uint64_t> wanted(const char* variable) {
    const char* text = std::getenv(variable);
    if (text == nullptr) return std::nullopt;
    return std::strtoull(text, nullptr, 10);
  }

  // Whether one of a few seeds finds something.
  static std::string found_with(CrashScriptOptions options) {
    options.operations = 400;
    options.recover_one_in = 1;
    for (options.seed = 1; options.seed <= 10; ++options.seed) {
      CrashScript script(options);
      script.run();
      if (script.wrong()) return *script.wrong();
    }
    return "";
  }
};

TEST_F(CrashTest, NothingAcknowledgedIsLostInventedOrReordered) {
  const auto only_seed = wanted("CMS_CRASH_SEED");
  const std::uint64_t enough = only_seed ? 1 : wanted("CMS_CRASH_RECOVERIES").value_or(recoveries_wanted);
  std::uint64_t recoveries = 0;
  for (std::uint64_t seed = only_seed.value_or(1); recoveries < enough; ++seed) {
    CrashScript script({.seed = seed, .recover_one_in = recover_one_in, .disk = {.has_direct = seed % 4 != 0}});
    script.run();
    ASSERT_FALSE(script.wrong()) << *script.wrong() << "\nreplay: CMS_CRASH_SEED=" << seed
                                 << " storage_test --gtest_filter=CrashTest.Nothing*";
    ASSERT_GT(script.recoveries(), 0u);
    recoveries += script.recoveries();
  }
  RecordProperty("recoveries", std::to_string(recoveries));
}

TEST_F(CrashTest, ASyncThatDoesNothingIsFound) {
  EXPECT_NE(found_with({.has_faults = false, .disk = {.sync_does_nothing = true}}), "");
}

TEST_F(CrashTest, ADirectorySyncThatDoesNothingIsFound) {
  EXPECT_NE(found_with({.has_faults = false, .disk = {.sync_directory_does_nothing = true}}), "");
}

TEST_F(CrashTest, AnAcknowledgementBeforeTheSyncIsFound) {
  const std::string found = found_with({.has_faults = false, .acknowledge_before_sync = true});
  EXPECT_NE(found.find("acknowledged records are lost"), std::string::npos) << found;
}

}  // namespace
}  // namespace cms::storage::test
