// SPDX-License-Identifier: Apache-2.0
#include "client/address.h"

#include <gtest/gtest.h>

namespace cms::client {
namespace {

TEST(AddressTest, HostAndPortAreReadAndPrintedBack) {
  for (const char* text : {"127.0.0.1:9092", "broker.example:1", "[::1]:65535", "unix:/run/cms.sock"}) {
    const auto address = Address::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), text);
  }
}

TEST(AddressTest, PortDefaultsToKafkas) {
  EXPECT_EQ(Address::parse("broker")->to_string(), "broker:9092");
  EXPECT_EQ(Address::parse("[::1]")->to_string(), "[::1]:9092");
}

TEST(AddressTest, WhatIsNoAddressIsRefusedWithItsText) {
  for (const char* text : {"", ":9092", "host:", "host:0", "host:65536", "host:9x", "[::1", "[::1]9092", "unix:"}) {
    const auto address = Address::parse(text);
    ASSERT_FALSE(address) << text;
    EXPECT_NE(address.error().message().find("'" + std::string(text) + "'"), std::string::npos);
  }
  EXPECT_FALSE(Address::parse("unix:/" + std::string(200, 'x')));
}

TEST(AddressTest, SeveralAreSeparatedByCommas) {
  const auto addresses = parse_addresses("a:1,b");
  ASSERT_TRUE(addresses);
  ASSERT_EQ(addresses->size(), 2u);
  EXPECT_EQ((*addresses)[1].to_string(), "b:9092");
  EXPECT_FALSE(parse_addresses(""));
  EXPECT_FALSE(parse_addresses("a,,b"));
}

}  // namespace
}  // namespace cms::client
