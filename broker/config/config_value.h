// SPDX-License-Identifier: Apache-2.0
// What a configuration value is: its type, what it may hold, where it came from, and how a change of it is asked for.
// Numbers and words follow Kafka, so that tools show and refuse the same things.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace cms::broker {

// As DescribeConfigs sends it (KIP-569).
enum class ConfigType : std::int8_t {
  unknown = 0,
  boolean = 1,
  string = 2,
  integer = 3,
  short_integer = 4,
  long_integer = 5,
  real = 6,
  list = 7,
  class_name = 8,
  password = 9,
};

// As DescribeConfigs sends it (KIP-226). A pool rule counts as static_broker: it stands in the broker's file.
enum class ConfigSource : std::int8_t {
  unknown = 0,
  topic = 1,
  dynamic_broker = 2,
  dynamic_default_broker = 3,
  static_broker = 4,
  default_value = 5,
  client_metrics = 7,
  group = 8,
};

using ConfigMap = std::map<std::string, std::string, std::less<>>;

struct ConfigSynonym {
  std::string name;
  std::optional<std::string> value;
  ConfigSource source = ConfigSource::default_value;
};

// One line of DescribeConfigs. A sensitive value is absent.
struct ConfigEntry {
  std::string name;
  std::optional<std::string> value;
  ConfigSource source = ConfigSource::default_value;
  ConfigType type = ConfigType::string;
  bool read_only = false;
  bool sensitive = false;
  std::vector<ConfigSynonym> synonyms;  // in order of precedence, the one in force first
  std::string documentation;
};

// Why a change is not made; the number is the Kafka error code to answer with.
struct ConfigRefusal {
  enum class Code : std::int16_t { topic_exception = 17, invalid_config = 40, invalid_request = 42 };
  Code code = Code::invalid_config;
  std::string message;
};

// The configuration as it would be after a change that was asked for, or why the change is refused as a whole.
class [[nodiscard]] ConfigOutcome {
 public:
  ConfigOutcome(ConfigMap map) : state_(std::move(map)) {}              // NOLINT(google-explicit-constructor)
  ConfigOutcome(ConfigRefusal refusal) : state_(std::move(refusal)) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return state_.index() == 0; }
  const ConfigMap& operator*() const { return std::get<ConfigMap>(state_); }
  const ConfigMap* operator->() const { return &std::get<ConfigMap>(state_); }
  const ConfigRefusal& refusal() const { return std::get<ConfigRefusal>(state_); }

 private:
  std::variant<ConfigMap, ConfigRefusal> state_;
};

// A name with a value, as CreateTopics and AlterConfigs bring them; no value is what the wire calls null.
struct ConfigSetting {
  std::string name;
  std::optional<std::string> value;
};

// As IncrementalAlterConfigs brings it (KIP-339). A kind outside the four is refused, not undefined.
struct ConfigOperation {
  enum class Kind : std::int8_t { set = 0, remove = 1, append = 2, subtract = 3 };
  std::string name;
  Kind kind = Kind::set;
  std::optional<std::string> value;
};

// What a value may be.
struct ValueRule {
  ConfigType type = ConfigType::string;
  double least = -std::numeric_limits<double>::infinity();  // numbers: inclusive
  double most = std::numeric_limits<double>::infinity();
  std::optional<std::int64_t> also = std::nullopt;  // a number outside the range that is allowed too
  std::span<const std::string_view> one_of = {};    // strings and members of lists; empty: anything
  bool replica_list = false;                        // '*' or partition:broker,...
};

// Nothing if `text` may be the value of `name`, otherwise the sentence that Kafka answers.
std::optional<std::string> why_not(const ValueRule& rule, std::string_view name, std::string_view text);

// `text` as it is kept and shown: without the blanks around it, list members without blanks between them, booleans in
// lower case.
std::string normalized(const ValueRule& rule, std::string_view text);

// Numbers as Kafka reads them: blanks around, one sign, decimal digits.
std::optional<std::int64_t> parse_long(std::string_view text);
std::optional<std::int32_t> parse_int(std::string_view text);
std::optional<double> parse_real(std::string_view text);
std::string print_real(double value);  // as Java prints a double that is near enough: -5 is "-5.0"
std::optional<bool> parse_boolean(std::string_view text);

// UTF-8 without zero bytes: anything else could be neither printed as TOML nor sent to a client.
bool is_text(std::string_view text);

std::string_view trimmed(std::string_view text);
std::vector<std::string> split_list(std::string_view text);  // at commas, members trimmed; an empty text has none
std::string join_list(const std::vector<std::string>& members);

std::string_view to_string(ConfigType type);  // as Kafka spells it in its messages: LONG
std::string_view to_string(ConfigSource source);

}  // namespace cms::broker
