// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/cluster.h"

#include <gtest/gtest.h>

#include "broker/handlers/test_broker.h"

namespace cms::broker {
namespace {

using protocol::DescribeClusterRequest;
using protocol::DescribeClusterResponse;
using protocol::FindCoordinatorRequest;
using protocol::FindCoordinatorResponse;

class ClusterTest : public ::testing::Test {
 protected:
  DescribeClusterResponse describe(const DescribeClusterRequest& request) {
    return broker_.answer<DescribeClusterResponse>(2, [&](const RequestContext& context, auto& response) {
      describe_cluster(broker_.metadata(), broker_.options, context, request, response);
    });
  }

  FindCoordinatorResponse find(protocol::Version version, const FindCoordinatorRequest& request,
                               ErrorCode groups = ErrorCode::none) {
    return broker_.answer<FindCoordinatorResponse>(version, [&](const RequestContext& context, auto& response) {
      find_coordinator(broker_.metadata(), groups, context, request, response);
    });
  }

  test::TestBroker broker_;
};

TEST_F(ClusterTest, DescribeClusterGivesBrokersWithRacksClusterIdAndController) {
  broker_.options.rack = "r1";
  const DescribeClusterResponse response = describe({});
  EXPECT_EQ(response.error_code, ErrorCode::none);
  EXPECT_EQ(response.cluster_id, broker_.metadata().cluster_id());
  EXPECT_EQ(response.controller_id, broker_.options.node_id);
  ASSERT_EQ(response.brokers.size(), 1u);
  EXPECT_EQ(response.brokers[0].broker_id, broker_.options.node_id);
  EXPECT_EQ(response.brokers[0].host, "broker.example");
  EXPECT_EQ(response.brokers[0].port, 19092);
  EXPECT_EQ(response.brokers[0].rack, "r1");
  EXPECT_FALSE(response.brokers[0].is_fenced);
  EXPECT_EQ(response.cluster_authorized_operations, protocol::authorized_operations_omitted);
}

TEST_F(ClusterTest, ControllersAreNotToBeHadFromABroker) {
  DescribeClusterRequest request;
  request.endpoint_type = protocol::EndpointType::controllers;
  EXPECT_EQ(describe(request).error_code, ErrorCode::mismatched_endpoint_type);
  request.endpoint_type = protocol::EndpointType{7};
  const DescribeClusterResponse response = describe(request);
  EXPECT_EQ(response.error_code, ErrorCode::unsupported_endpoint_type);
  EXPECT_EQ(response.error_message, "Unsupported endpoint type 7");
  EXPECT_TRUE(response.brokers.empty());
}

TEST_F(ClusterTest, AuthorizedOperationsAreToldWhenAskedFor) {
  DescribeClusterRequest request;
  request.include_cluster_authorized_operations = true;
  EXPECT_EQ(describe(request).cluster_authorized_operations, 8096);
}

TEST_F(ClusterTest, CoordinatorOfEveryGroupIsThisNodeAtTheListenerAsked) {
  FindCoordinatorRequest request;
  request.key = "g";
  for (const protocol::Version version : {0, 3}) {
    const FindCoordinatorResponse response = find(version, request);
    EXPECT_EQ(response.error_code, ErrorCode::none);
    EXPECT_EQ(response.node_id, broker_.options.node_id);
    EXPECT_EQ(response.host, "broker.example");
    EXPECT_EQ(response.port, 19092);
    EXPECT_TRUE(response.coordinators.empty());
  }
}

TEST_F(ClusterTest, CoordinatorOfAGroupIsNotAvailableWithoutItsTopic) {
  const FindCoordinatorResponse response = find(3, {}, ErrorCode::coordinator_not_available);
  EXPECT_EQ(response.error_code, ErrorCode::coordinator_not_available);
  EXPECT_EQ(response.node_id, -1);
  EXPECT_EQ(response.port, -1);
}

TEST_F(ClusterTest, EachKeyHasAnErrorOfItsOwnFromVersionFourOn) {
  FindCoordinatorRequest request;
  request.coordinator_keys = {"a", "b"};
  const FindCoordinatorResponse response = find(4, request, ErrorCode::coordinator_not_available);
  ASSERT_EQ(response.coordinators.size(), 2u);
  EXPECT_EQ(response.coordinators[1].key, "b");
  EXPECT_EQ(response.coordinators[1].error_code, ErrorCode::coordinator_not_available);
  EXPECT_EQ(response.coordinators[1].node_id, -1);
  EXPECT_EQ(find(4, request).coordinators[0].node_id, broker_.options.node_id);
}

TEST_F(ClusterTest, CoordinatorOfATransactionIsRefusedForGood) {
  FindCoordinatorRequest request;
  request.key_type = protocol::CoordinatorType::transaction;
  request.coordinator_keys = {"t"};
  const FindCoordinatorResponse response = find(6, request);
  EXPECT_EQ(response.coordinators[0].error_code, ErrorCode::unsupported_version);
  EXPECT_FALSE(protocol::is_retriable(response.coordinators[0].error_code));
  EXPECT_NE(response.coordinators[0].error_message, std::nullopt);
}

TEST_F(ClusterTest, CoordinatorOfAnUnknownTypeIsAnInvalidRequest) {
  FindCoordinatorRequest request;
  request.key_type = protocol::CoordinatorType{9};
  EXPECT_EQ(find(2, request).error_code, ErrorCode::invalid_request);
}

}  // namespace
}  // namespace cms::broker
