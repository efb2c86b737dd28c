// SPDX-License-Identifier: Apache-2.0
// The parts of the commands that need no broker.
#include <unistd.h>

#include <array>
#include <cstdlib>

#include <gtest/gtest.h>

#include "client/commands/durability.h"
#include "client/commands/escapes.h"
#include "client/commands/line_input.h"
#include "client/commands/record_format.h"
#include "client/commands/start_point.h"
#include "client/commands/suggest.h"
#include "client/commands/table.h"

namespace cms::client {
namespace {

using Kind = StartPoint::Kind;
using base::as_bytes;

constexpr base::TimestampMs now_ms = 1'800'000'000'000;

TEST(StartPointTest, EveryFormIsRead) {
  const struct {
    const char* text;
    StartPoint meant;
  } cases[] = {{"start", {Kind::start, 0}},
               {"end", {Kind::end, 0}},
               {"0", {Kind::offset, 0}},
               {"1234", {Kind::offset, 1234}},
               {"-10", {Kind::before_end, 10}},
               {"@1767225600000", {Kind::time, 1767225600000}},
               {"2026-01-01", {Kind::time, 1767225600000}},
               {"2026-01-01T00:01", {Kind::time, 1767225660000}},
               {"2026-01-01T00:01:02Z", {Kind::time, 1767225662000}},
               {"90s", {Kind::time, now_ms - 90'000}},
               {"2h", {Kind::time, now_ms - 7'200'000}}};
  for (const auto& [text, meant] : cases) {
    const auto point = StartPoint::parse(text, now_ms);
    ASSERT_TRUE(point) << text;
    EXPECT_EQ(*point, meant) << text;
  }
}

TEST(StartPointTest, NonsenseIsRefusedAndTheFormsAreNamed) {
  for (const char* text : {"", "soon", "--1", "-", "@", "@-5", "2026-02-30", "2026-01-01T24:00", "2026-01-01T1:00",
                           "2026-01-01T00:00:00+01:00", "99999999999999999999", "5w", "9223372036854775807d"}) {
    const auto point = StartPoint::parse(text, now_ms);
    ASSERT_FALSE(point) << text;
    EXPECT_NE(point.error().message().find("start, end"), std::string::npos);
  }
}

records::RecordView record_of(std::string_view key, std::string_view value) {
  records::RecordView record;
  record.offset = 7;
  record.timestamp = 99;
  record.key = as_bytes(key);
  record.value = as_bytes(value);
  return record;
}

TEST(RecordFormatTest, DirectivesAndEscapesAreReplaced) {
  const auto format = RecordFormat::parse("%t-%p@%o %T %k:%s %K/%S 100%%\\n");
  ASSERT_TRUE(format);
  std::string text;
  format->append(text, "topic", 3, record_of("key", "a value"));
  EXPECT_EQ(text, "topic-3@7 99 key:a value 3/7 100%\n");
}

TEST(RecordFormatTest, NullsAreEmptyAndHaveLengthMinusOne) {
  records::RecordView record = record_of("", "");
  record.key.reset();
  std::string text;
  RecordFormat::parse("[%k][%s]%K %S")->append(text, "t", 0, record);
  EXPECT_EQ(text, "[][]-1 0");
}

TEST(RecordFormatTest, UnknownDirectiveIsNamed) {
  for (const char* text : {"%z", "abc%"}) EXPECT_FALSE(RecordFormat::parse(text)) << text;
  EXPECT_NE(RecordFormat::parse("x%z").error().message().find("'%z'"), std::string::npos);
}

TEST(RecordFormatTest, JsonShowsBytesThatAreNoTextInBase64) {
  EXPECT_EQ(json_line("t", 0, record_of("k", "\xff\x00z")),
            R"({"topic":"t","partition":0,"offset":7,"timestamp":99,"key":"k","value_base64":"/w=="})");
  EXPECT_EQ(json_line("t", 0, record_of("k", "\"ü\"")),
            R"({"topic":"t","partition":0,"offset":7,"timestamp":99,"key":"k","value":"\"ü\""})");
}

TEST(EscapesTest, KnownEscapesAreReplacedAndOthersStay) {
  EXPECT_EQ(unescape("a\\tb\\n\\x41\\\\"), "a\tb\nA\\");
  EXPECT_EQ(unescape("\\q \\x4 \\xzz \\"), "\\q \\x4 \\xzz \\");
  EXPECT_EQ(unescape("\\0").size(), 1u);
}

TEST(EscapesTest, Utf8IsToldFromOtherBytes) {
  for (const char* text : {"", "plain", "ü", "€", "\xf0\x9f\x98\x80"}) EXPECT_TRUE(is_utf8(text)) << text;
  for (const char* text : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8"})
    EXPECT_FALSE(is_utf8(text));
}

TEST(EscapesTest, Base64MatchesTheVectorsOfRfc4648) {
  const char* const vectors[][2] = {{"", ""},
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"foob", "Zm9vYg=="},
                                    {"fooba", "Zm9vYmE="},
                                    {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) EXPECT_EQ(base64(as_bytes(plain)), encoded);
}

TEST(SuggestTest, CloseNamesAreOfferedAndFarOnesAreNot) {
  const std::array<std::string, 3> names{"create", "describe", "delete"};
  EXPECT_EQ(did_you_mean("dscribe", names), " (did you mean 'describe'?)");
  EXPECT_EQ(did_you_mean("craete", names), " (did you mean 'create'?)");
  EXPECT_EQ(did_you_mean("desc", names), " (did you mean 'describe'?)");
  EXPECT_EQ(did_you_mean("zzz", names), "");
  EXPECT_EQ(did_you_mean(std::string(10'000, 'x'), names), "");
}

TEST(TableTest, ColumnsAreAlignedAndNumbersFlushRight) {
  Table table({"NAME", ">COUNT"});
  table.add({"a", "5"});
  table.add({"größer", "1000"});
  EXPECT_EQ(table.to_text(),
            "NAME    COUNT\n"
            "a           5\n"
            "größer   1000\n");
}

ConfigEntry config(const char* name, const char* value) {
  ConfigEntry entry;
  entry.name = name;
  entry.value = value;
  return entry;
}

TEST(DurabilityTest, RelaxedFlushIsShown) {
  std::vector<ConfigEntry> configs{config("cms.durability", "persistent"), config("flush.ms", "9223372036854775807")};
  EXPECT_EQ(durability_of(configs), "persistent");
  EXPECT_EQ(promise_of(configs).find("RELAXED"), std::string::npos);
  configs.push_back(config("flush.messages", "1"));
  EXPECT_EQ(promise_of(configs).find("RELAXED"), std::string::npos);
  configs.back().value = "1000";
  EXPECT_EQ(promise_of(configs).find("RELAXED by flush.messages=1000:"), 0u);
  EXPECT_EQ(durability_of({}), "-");
}

// A pipe whose read end is /dev/fd/N.
class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe(ends_), 0); }
  ~Pipe() {
    ::close(ends_[0]);
    close_writer();
  }
  void write(std::string_view text) { EXPECT_EQ(::write(ends_[1], text.data(), text.size()), ssize_t(text.size())); }
  void close_writer() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }
  std::string path() const { return "/dev/fd/" + std::to_string(ends_[0]); }

 private:
  int ends_[2];
};

TEST(LineInputTest, LinesComeOneByOneAndTheLastNeedsNoNewline) {
  Pipe pipe;
  auto input = LineInput::open(pipe.path());
  ASSERT_TRUE(input);
  EXPECT_FALSE(input->ready());
  pipe.write("one\n\nthr");
  EXPECT_EQ(**input->next_line(), "one");
  EXPECT_TRUE(input->ready());
  EXPECT_EQ(**input->next_line(), "");
  pipe.write("ee");
  pipe.close_writer();
  EXPECT_EQ(**input->next_line(), "three");
  EXPECT_FALSE(input->next_line()->has_value());
}

TEST(LineInputTest, LinesLongerThanABlockStayWhole) {
  Pipe pipe;
  auto input = LineInput::open(pipe.path());
  const std::string line(60'000, 'x');
  pipe.write(line);
  pipe.write("y\nrest");
  pipe.close_writer();
  EXPECT_EQ(**input->next_line(), line + "y");
  EXPECT_EQ(*input->rest(), "rest");
}

TEST(LineInputTest, FileThatIsNotThereIsNamed) {
  const auto input = LineInput::open("/nonexistent/file");
  ASSERT_FALSE(input);
  EXPECT_EQ(input.error().message(), "opening /nonexistent/file: No such file or directory");
}

}  // namespace
}  // namespace cms::client
