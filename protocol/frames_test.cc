// SPDX-License-Identifier: Apache-2.0
// Frames that other people's software has sent: clients to Apache Kafka, and Apache Kafka back. Each is read and
// written again, and must be the same to the byte.
//
// One exception: librdkafka's request for the metadata of all topics, see read() in codec.h.
//
// testdata/frames/<client>-<api>-v<version>-<request|response>.hex holds one frame after its size, in hex; lines that
// begin with '#' say where it comes from.
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include <gtest/gtest.h>

#include "protocol/header.h"
#include "protocol/messages.h"
#include "protocol/testing/bytes.h"

namespace cms::protocol {
namespace {

const std::filesystem::path folder = "protocol/testdata/frames";

struct Recorded {
  std::string name;
  std::string api;  // lower case, letters only
  Version version = 0;
  bool request = false;
  std::vector<std::byte> frame;
};

std::string letters_of(std::string_view name) {
  std::string letters;
  for (const char c : name) {
    if (std::isalpha(static_cast<unsigned char>(c))) letters += static_cast<char>(std::tolower(c));
  }
  return letters;
}

std::optional<Recorded> recorded(const std::filesystem::path& path) {
  static const std::regex form("(.+)-([A-Za-z_]+)-v([0-9]+)-(request|response)(-.*)?\\.hex");
  std::smatch parts;
  const std::string name = path.filename();
  if (!std::regex_match(name, parts, form)) return std::nullopt;
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  std::vector<std::byte> frame = testing::from_hex(text.str());
  return Recorded{name, letters_of(parts[2].str()), static_cast<Version>(std::stoi(parts[3])), parts[4] == "request",
                  std::move(frame)};
}

template <Message T>
void expect_same_request(const Recorded& recorded) {
  RequestHeader header;
  const auto body = read_request_header(recorded.frame, header);
  ASSERT_TRUE(body) << body.error().message();
  EXPECT_EQ(header.api_key, T::api_key);
  EXPECT_EQ(header.api_version, recorded.version);
  T message;
  const base::Result<void> outcome = read(*body, header.api_version, message);
  ASSERT_TRUE(outcome) << outcome.error().message();
  FrameBuffer out;
  write_request_header(header, out);
  write(message, header.api_version, out);
  std::vector<std::byte> bytes = testing::on_the_wire(out);
  if (recorded.api == "metadata" && bytes.size() + 3 == recorded.frame.size()) {
    EXPECT_EQ(header.client_id, "rdkafka");
    bytes.insert(bytes.end(), recorded.frame.end() - 3, recorded.frame.end());
  }
  EXPECT_EQ(testing::to_hex(bytes), testing::to_hex(recorded.frame)) << to_text(message, header.api_version);
}

template <Message T>
void expect_same_response(const Recorded& recorded) {
  std::int32_t correlation_id = 0;
  const auto body = read_response_header(recorded.frame, T::api_key, recorded.version, correlation_id);
  ASSERT_TRUE(body) << body.error().message();
  T message;
  const base::Result<void> outcome = read(*body, recorded.version, message);
  ASSERT_TRUE(outcome) << outcome.error().message();
  FrameBuffer out;
  write_response_header(T::api_key, recorded.version, correlation_id, out);
  write(message, recorded.version, out);
  EXPECT_EQ(testing::to_hex(testing::on_the_wire(out)), testing::to_hex(recorded.frame))
      << to_text(message, recorded.version);
}

bool is_refused_api_versions(const Recorded& recorded) {
  return recorded.api == "apiversions" && recorded.version > ApiVersionsRequest::versions.last;
}

// A client that is newer than the broker gets the layout of version 0 and the range of ApiVersions itself (KIP-511).
void expect_refused_api_versions(const Recorded& recorded) {
  if (recorded.request) {
    RequestHeader header;
    ASSERT_TRUE(read_request_header(recorded.frame, header));
    EXPECT_EQ(header.api_version, recorded.version);
    return;
  }
  std::int32_t correlation_id = 0;
  const auto body = read_response_header(recorded.frame, ApiKey::api_versions, recorded.version, correlation_id);
  ASSERT_TRUE(body);
  ApiVersionsResponse response;
  ASSERT_TRUE(read(*body, 0, response));
  EXPECT_EQ(response.error_code, ErrorCode::unsupported_version);
  ASSERT_EQ(response.api_keys.size(), 1u);
  EXPECT_EQ(response.api_keys[0], (ApiVersionsResponse::Api{ApiKey::api_versions, 0, 4}));
}

TEST(RecordedFrames, AreWrittenAsTheyWereRead) {
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there";
  int compared = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".hex") continue;
    const std::optional<Recorded> frame = recorded(entry.path());
    ASSERT_TRUE(frame) << entry.path() << " is not named <client>-<api>-v<version>-<request|response>.hex";
    SCOPED_TRACE(frame->name);
    if (is_refused_api_versions(*frame)) {
      ++compared;
      expect_refused_api_versions(*frame);
      continue;
    }
    for_each_api([&]<typename Pair>(Pair) {
      if (letters_of(name_of(Pair::Request::api_key)) != frame->api) return;
      if (!Pair::Request::versions.contains(frame->version)) return;
      ++compared;
      if (frame->request) expect_same_request<typename Pair::Request>(*frame);
      if (!frame->request) expect_same_response<typename Pair::Response>(*frame);
    });
  }
  EXPECT_GT(compared, 0) << folder << " holds no frame of an API that is declared";
}

}  // namespace
}  // namespace cms::protocol
