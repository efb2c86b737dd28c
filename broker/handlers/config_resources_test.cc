// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/config_resources.h"

#include <gtest/gtest.h>

#include "broker/handlers/test_broker.h"

namespace cms::broker {
namespace {

using protocol::ConfigResourceType;
using protocol::ListConfigResourcesResponse;

class ConfigResourcesTest : public ::testing::Test {
 protected:
  ListConfigResourcesResponse list(protocol::Version version, std::vector<ConfigResourceType> types = {}) {
    const protocol::ListConfigResourcesRequest request{.resource_types = std::move(types)};
    return broker_.answer<ListConfigResourcesResponse>(version, [&](const RequestContext& context, auto& response) {
      list_config_resources(broker_.topics(), broker_.metadata(), broker_.group_configs(), broker_.subscriptions(),
                            context, request, response);
    });
  }

  static std::vector<std::string> names(const ListConfigResourcesResponse& response) {
    std::vector<std::string> names;
    for (const auto& resource : response.config_resources) names.push_back(resource.resource_name);
    return names;
  }

  test::TestBroker broker_;
};

TEST_F(ConfigResourcesTest, GroupsWithConfigsTheBrokerAndTopicsAreListed) {
  broker_.create("orders");
  const auto set = [](const ConfigMap&) { return ConfigOutcome(ConfigMap{{"consumer.session.timeout.ms", "50000"}}); };
  ASSERT_TRUE(broker_.group_configs().change("crew", set, false).ok());
  const ListConfigResourcesResponse all = list(1);
  EXPECT_EQ(names(all), (std::vector<std::string>{"crew", std::to_string(broker_.options.node_id), "orders"}));
  EXPECT_EQ(all.config_resources[0].resource_type, ConfigResourceType::group);
  EXPECT_EQ(names(list(1, {ConfigResourceType::topic})), std::vector<std::string>{"orders"});
}

TEST_F(ConfigResourcesTest, SubscriptionsToClientMetricsAreAllThatVersionZeroLists) {
  broker_.create("orders");
  EXPECT_TRUE(list(0).config_resources.empty());
  const auto set = [](const ConfigMap&) { return ConfigOutcome(ConfigMap{{"metrics", "*"}}); };
  ASSERT_TRUE(broker_.subscriptions().change("all", set, false).ok());
  EXPECT_EQ(names(list(0)), std::vector<std::string>{"all"});
  EXPECT_EQ(names(list(1, {ConfigResourceType::client_metrics})), std::vector<std::string>{"all"});
}

TEST_F(ConfigResourcesTest, TypeThatIsNotKnownIsRefused) {
  EXPECT_EQ(list(1, {ConfigResourceType{99}}).error_code, ErrorCode::unsupported_version);
}

}  // namespace
}  // namespace cms::broker
