// SPDX-License-Identifier: Apache-2.0
// What the header's client id does to a group.
#include "tests/broker_test.h"
#include "tests/group_requests.h"

namespace cms::tests {
namespace {

class ClientIdTest : public BrokerTest {
 protected:
  // The member id that a client of this name is given.
  std::string member_id_for(std::optional<std::string> client_id) {
    protocol::JoinGroupRequest request;
    request.group_id = topic();
    request.session_timeout_ms = 30'000;
    request.protocol_type = "consumer";
    request.protocols.push_back({.name = "range", .metadata = {}});
    await_coordinator(wire_, request.group_id);
    wire_.send_bytes(frame_of(request, version, 77, std::move(client_id)));
    const ByteSpan frame = wire_.receive_frame();
    protocol::JoinGroupResponse response;
    // After the correlation id and the empty tagged fields of the header.
    EXPECT_TRUE(static_cast<bool>(protocol::read(frame.subspan(5), version, response)));
    EXPECT_EQ(response.error_code, ErrorCode::member_id_required);
    return response.member_id;
  }

  static constexpr Version version = 9;
};

TEST_F(ClientIdTest, LongOneBeginsTheMemberIdWhole) {
  const std::string client_id(200, 'c');
  EXPECT_EQ(member_id_for(client_id).substr(0, 201), client_id + "-");
}

TEST_F(ClientIdTest, WithoutOneTheMemberIdBeginsWithADash) { EXPECT_EQ(member_id_for(std::nullopt).substr(0, 1), "-"); }

}  // namespace
}  // namespace cms::tests
