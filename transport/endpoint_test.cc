// SPDX-License-Identifier: Apache-2.0
#include "transport/endpoint.h"

#include <gtest/gtest.h>

namespace cms::transport {
namespace {

TEST(Endpoint, ReadsEveryFormAndPrintsItBack) {
  for (const char* text : {"127.0.0.1:9092", "[::1]:9092", "localhost:0", ":9092", "unix:/run/cms.sock"}) {
    const auto parsed = Endpoint::parse(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(parsed->to_string(), text);
  }
}

TEST(Endpoint, SaysWhatIsWrong) {
  for (const char* text : {"localhost", "localhost:", "localhost:70000", "::1:9092", "[::1:9092", "unix:", "a:1x"}) {
    const auto parsed = Endpoint::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message().find("expected HOST:PORT"), std::string::npos);
  }
}

}  // namespace
}  // namespace cms::transport
