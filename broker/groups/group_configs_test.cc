// SPDX-License-Identifier: Apache-2.0
#include "broker/groups/group_configs.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "broker/metadata/local_store.h"
#include "storage/file_system.h"
#include "storage/test_directory.h"

namespace cms::broker {
namespace {

const std::string session = "consumer.session.timeout.ms";

class GroupConfigsTest : public ::testing::Test {
 protected:
  GroupConfigsTest() { open(); }

  // As after a crash.
  void open() {
    groups_.reset();
    store_.reset();
    auto store = LocalStore::open(disk_, clock_, directory_ / "metadata");
    CHECK(store.ok());
    store_ = std::move(*store);
    auto groups = GroupConfigs::open(*store_);
    CHECK(groups.ok());
    groups_ = std::move(*groups);
  }

  // What is refused; nothing: the group has `configs` now.
  std::optional<ConfigRefusal> set(const std::string& group, const ConfigMap& configs, bool validate_only = false) {
    const auto changed = groups_->change(
        group, [&](const ConfigMap&) { return ConfigOutcome(configs); }, validate_only);
    CHECK(changed.ok());
    return *changed;
  }

  storage::TestDirectory directory_;
  storage::FileSystem disk_;
  base::ManualClock clock_;
  std::unique_ptr<LocalStore> store_;
  std::unique_ptr<GroupConfigs> groups_;
};

TEST_F(GroupConfigsTest, ConfigsOfGroupsSurviveARestart) {
  set("g", {{session, "50000"}});
  set("odd / \xc3\xa4", {{session, "60000"}});
  open();
  EXPECT_EQ(groups_->of("g"), (ConfigMap{{session, "50000"}}));
  EXPECT_EQ(groups_->in_force("g").session_timeout_ms, 50000);
  EXPECT_EQ(groups_->in_force("g").heartbeat_interval_ms, std::nullopt);
  EXPECT_EQ(groups_->group_ids(), (std::vector<std::string>{"g", "odd / \xc3\xa4"}));
  EXPECT_TRUE(groups_->of("other").empty());
  EXPECT_EQ(groups_->in_force("other").session_timeout_ms, std::nullopt);
}

TEST_F(GroupConfigsTest, AGroupWhoseLastConfigIsRemovedIsForgotten) {
  set("g", {{session, "50000"}});
  set("g", {});
  EXPECT_TRUE(groups_->group_ids().empty());
  EXPECT_EQ(groups_->in_force("g").session_timeout_ms, std::nullopt);
  open();
  EXPECT_TRUE(groups_->group_ids().empty());
}

TEST_F(GroupConfigsTest, AValidatedChangeIsNotMade) {
  EXPECT_EQ(set("g", {{session, "50000"}}, true), std::nullopt);
  EXPECT_TRUE(groups_->of("g").empty());
}

TEST_F(GroupConfigsTest, ARefusedChangeIsNotMade) {
  set("g", {{session, "50000"}});
  const auto changed = groups_->change(
      "g", [](const ConfigMap&) { return ConfigOutcome(ConfigRefusal{.message = "no"}); }, false);
  ASSERT_TRUE(changed.ok());
  EXPECT_EQ((*changed)->message, "no");
  EXPECT_EQ(groups_->of("g").size(), 1u);
}

TEST_F(GroupConfigsTest, AnIdLongerThanAKeyIsRefused) {
  EXPECT_EQ(set(std::string(GroupConfigs::group_id_bytes_max, 'g'), {{session, "50000"}}), std::nullopt);
  const auto refused = set(std::string(GroupConfigs::group_id_bytes_max + 1, 'g'), {{session, "50000"}});
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, ConfigRefusal::Code::invalid_request);
}

TEST_F(GroupConfigsTest, AnEntryThatIsNotReadableIsReportedWithItsName) {
  const StoreChange change{"configs/groups/g", "a\nb", std::nullopt};
  ASSERT_TRUE(store_->apply({&change, 1}).ok());
  const auto opened = GroupConfigs::open(*store_);
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message().find("configs/groups/g"), std::string::npos);
}

}  // namespace
}  // namespace cms::broker
