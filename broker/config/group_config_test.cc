// SPDX-License-Identifier: Apache-2.0
#include "broker/config/group_config.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "broker/config/group_config_table.h"

namespace cms::broker {
namespace {

using Kind = ConfigOperation::Kind;
using Code = ConfigRefusal::Code;

const std::string session = "consumer.session.timeout.ms";
const std::string heartbeat = "consumer.heartbeat.interval.ms";

ConfigOutcome set(const std::string& name, const std::string& value, const ConfigMap& group = {},
                  const ConfigMap& given = {}) {
  const ConfigOperation operations[] = {{name, Kind::set, value}};
  return alter_group_config(group, operations, given);
}

ConfigEntry shown(const std::string& name, const ConfigMap& group, const ConfigMap& given) {
  const auto entries = describe_group_config(group, given);
  const auto found = std::ranges::find(entries, name, &ConfigEntry::name);
  return found == entries.end() ? ConfigEntry{} : *found;
}

TEST(GroupConfig, DefaultsComeFromTheBrokersOptions) {
  const ConfigEntry untouched = shown(session, {}, {});
  EXPECT_EQ(untouched.value, "45000");
  EXPECT_EQ(untouched.source, ConfigSource::default_value);
  ASSERT_EQ(untouched.synonyms.size(), 1u);
  EXPECT_EQ(untouched.synonyms[0].name, "group.consumer.session.timeout.ms");

  const ConfigEntry given = shown(session, {}, {{"group.consumer.session.timeout.ms", "50000"}});
  EXPECT_EQ(given.value, "50000");
  EXPECT_EQ(given.source, ConfigSource::static_broker);
}

TEST(GroupConfig, AGroupsOwnValueStandsBeforeTheBrokers) {
  const ConfigEntry own = shown(session, {{session, "55000"}}, {{"group.consumer.session.timeout.ms", "50000"}});
  EXPECT_EQ(own.value, "55000");
  EXPECT_EQ(own.source, ConfigSource::group);
  ASSERT_EQ(own.synonyms.size(), 3u);
  EXPECT_EQ(own.synonyms[0].name, session);
  EXPECT_EQ(own.synonyms[1].source, ConfigSource::static_broker);
  EXPECT_EQ(own.synonyms[2].source, ConfigSource::default_value);
}

TEST(GroupConfig, EveryDefaultIsAValueThatMayBeSet) {
  EXPECT_EQ(group_config_table().size(), 17u);
  for (const GroupConfigSpec& spec : group_config_table()) {
    const auto outcome = set(std::string(spec.name), std::string(spec.preset.default_text));
    EXPECT_TRUE(outcome) << outcome.refusal().message;
  }
}

TEST(GroupConfig, BadValuesAreRefusedInKafkasWords) {
  const std::string reset = "share.auto.offset.reset";
  const std::pair<std::pair<std::string, std::string>, std::string> cases[] = {
      {{"nonsense", "1"}, "Unknown group config name: nonsense"},
      {{session, "x"}, "Invalid value x for configuration " + session + ": Not a number of type INT"},
      {{session, "0"}, "Invalid value 0 for configuration " + session + ": Value must be at least 1"},
      {{session, "1"}, session + " must be greater than or equal to group.consumer.min.session.timeout.ms"},
      {{session, "70000"}, session + " must be less than or equal to group.consumer.max.session.timeout.ms"},
      {{heartbeat, "50000"}, heartbeat + " must be less than or equal to group.consumer.max.heartbeat.interval.ms"},
      {{"streams.num.standby.replicas", "3"},
       "streams.num.standby.replicas must be less than or equal to group.streams.max.standby.replicas"},
      {{"share.isolation.level", "zzz"},
       "Invalid value zzz for configuration share.isolation.level: String must be one of: read_committed, "
       "read_uncommitted"},
      {{reset, "bogus"},
       "Invalid value bogus for configuration " + reset + ": Invalid value `bogus` for configuration " + reset +
           ". The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'."}};
  for (const auto& [setting, message] : cases) {
    const auto outcome = set(setting.first, setting.second);
    ASSERT_FALSE(outcome) << message;
    EXPECT_EQ(outcome.refusal().code, Code::invalid_config);
    EXPECT_EQ(outcome.refusal().message, message);
  }
}

TEST(GroupConfig, BoundsAreTheBrokersOptions) {
  EXPECT_TRUE(set(session, "6000", {}, {{"group.consumer.min.session.timeout.ms", "6000"}}));
  EXPECT_FALSE(set(session, "59000", {}, {{"group.consumer.max.session.timeout.ms", "58000"}}));
}

TEST(GroupConfig, ASessionIsLongerThanTheIntervalOfItsHeartbeats) {
  const ConfigMap given{{"group.consumer.min.session.timeout.ms", "1000"}};
  const auto outcome = set(session, "5000", {}, given);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.refusal().message, session + " must be greater than " + heartbeat);
  EXPECT_TRUE(set(session, "5001", {}, given));
}

TEST(GroupConfig, ChangesAreCheckedAsAWhole) {
  const ConfigOperation twice[] = {{heartbeat, Kind::set, "9000"}, {heartbeat, Kind::remove, std::nullopt}};
  EXPECT_EQ(alter_group_config({}, twice, {}).refusal().message, "Error due to duplicate config keys");
  const ConfigOperation append[] = {{session, Kind::append, "50000"}};
  EXPECT_EQ(alter_group_config({}, append, {}).refusal().message,
            "Can't APPEND to key " + session + " because its type is not LIST.");
  const ConfigOperation null[] = {{session, Kind::set, std::nullopt}};
  EXPECT_EQ(alter_group_config({}, null, {}).refusal().code, Code::invalid_request);
  const ConfigOperation removed[] = {{session, Kind::remove, std::nullopt}, {"nonsense", Kind::remove, std::nullopt}};
  EXPECT_EQ(*alter_group_config({{session, "50000"}, {heartbeat, "9000"}}, removed, {}),
            (ConfigMap{{heartbeat, "9000"}}));
  const ConfigSetting replaced[] = {{session, " +50000 "}};
  EXPECT_EQ(*replace_group_config(replaced, {}), (ConfigMap{{session, "50000"}}));
}

TEST(GroupConfig, OffsetResetsByDurationFollowIso8601) {
  for (const char* const good : {"earliest", "latest", "by_duration:PT1H", "by_duration:P1D",
                                 "by_duration:P1DT2H3M4.5S", "by_duration:pt0s", "by_duration:PT1.S"}) {
    EXPECT_TRUE(is_offset_reset(good)) << good;
  }
  for (const char* const bad :
       {"", "none", "Latest", "by_duration", "by_duration:", "by_duration:P", "by_duration:PT", "by_duration:P1DT",
        "by_duration:P1H", "by_duration:PT1D", "by_duration:PT1M1H", "by_duration:-PT1H", "by_duration:PT-1H",
        "by_duration:PT1.5H", "by_duration:PT1", "by_duration:PTT1H", "by_duration:PT1HX", "by_duration:x"}) {
    EXPECT_FALSE(is_offset_reset(bad)) << bad;
  }
}

}  // namespace
}  // namespace cms::broker
