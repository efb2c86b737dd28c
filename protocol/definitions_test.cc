// SPDX-License-Identifier: Apache-2.0
// Our declarations against Kafka's own message definitions, where a copy of these is at hand: beside the repository, or
// in the folder that CMS_KAFKA_DEFINITIONS names. Every field of every version is compared.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "protocol/messages.h"
#include "protocol/minimal_size.h"

namespace cms::protocol {
namespace {

using Json = nlohmann::json;

// One field in one version. An empty default is not compared.
struct Described {
  std::string name;  // with those of the structs around it
  std::string type;
  bool nullable = false;
  std::optional<std::uint32_t> tag;
  std::string initial;
};

std::filesystem::path definitions_folder() {
  if (const char* named = std::getenv("CMS_KAFKA_DEFINITIONS")) return named;
  return "../shared/kafka/message-definitions";
}

// The newest definition: of the client-facing messages there is a later copy than of all.
constexpr const char* current_folder = "kafka-4.3-client";
constexpr const char* older_folder = "kafka-4.0-snapshot";

std::optional<Json> definition(const std::string& message) {
  for (const char* folder : {current_folder, older_folder}) {
    std::ifstream file(definitions_folder() / folder / (message + ".json"));
    if (file) return Json::parse(file, nullptr, true, /*ignore_comments=*/true);
  }
  return std::nullopt;
}

// Only an older definition is at hand: there may be newer versions, which recorded frames have to prove.
bool is_older(const std::string& message) {
  return !std::filesystem::exists(definitions_folder() / current_folder / (message + ".json"));
}

// "3+", "0-2", "5" or "none".
bool in_versions(const std::string& text, Version version) {
  if (text == "none") return false;
  const int first = std::stoi(text);
  if (text.back() == '+') return version >= first;
  const std::size_t dash = text.find('-');
  return version >= first && version <= (dash == std::string::npos ? first : std::stoi(text.substr(dash + 1)));
}

// Of a request: the versions that Kafka serves; only a request's definition says that the last one is not stable yet.
VersionRange valid_versions(const Json& message) {
  const std::string text = message["validVersions"];
  const auto first = static_cast<Version>(std::stoi(text));
  const std::size_t dash = text.find('-');
  const auto last = dash == std::string::npos ? first : static_cast<Version>(std::stoi(text.substr(dash + 1)));
  const bool unstable = message.value("latestVersionUnstable", false);
  return {first, static_cast<Version>(unstable ? last - 1 : last)};
}

std::string snake_case(const std::string& name) {
  std::string snake;
  for (std::size_t at = 0; at < name.size(); ++at) {
    const bool upper = std::isupper(name[at]) != 0;
    if (upper && at != 0 && std::islower(name[at - 1])) snake += '_';
    snake += static_cast<char>(std::tolower(name[at]));
  }
  return snake;
}

// Kafka's defaults in the form of ours; of a number written in hexadecimal too.
std::string initial_of(const Json& field, const std::string& type) {
  const bool nullable = field.contains("nullableVersions");
  if (!field.contains("default")) {
    if (nullable) return "";  // Kafka's is an empty value, ours null; it is on the wire in every version that has it
    if (type == "bool") return "false";
    return type.starts_with("int") || type.starts_with("uint") ? "0" : "empty";
  }
  const Json& value = field["default"];
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text.empty()) return "empty";
  if (text.starts_with("0x")) return std::to_string(std::stoll(text, nullptr, 16));
  return text;
}

void describe(const Json& fields, const Json& structs, const std::string& prefix, Version version,
              std::vector<Described>& into) {
  for (const Json& field : fields) {
    if (!in_versions(field["versions"], version)) continue;
    std::string type = field["type"];
    const bool array = type.starts_with("[]");
    const std::string element = array ? type.substr(2) : type;
    const Json* nested = field.contains("fields") ? &field["fields"] : nullptr;
    if (structs.contains(element)) nested = &structs[element];
    if (nested) type = array ? "[]struct" : "struct";
    Described described{prefix + snake_case(field["name"]), type, false, std::nullopt, initial_of(field, type)};
    if (field.contains("nullableVersions")) described.nullable = in_versions(field["nullableVersions"], version);
    if (field.contains("taggedVersions") && in_versions(field["taggedVersions"], version)) {
      described.tag = field["tag"].get<std::uint32_t>();
    }
    into.push_back(described);
    if (nested) describe(*nested, structs, described.name + ".", version, into);
  }
}

std::vector<Described> described_by(const Json& message, Version version) {
  Json structs = Json::object();
  for (const Json& common : message.value("commonStructs", Json::array())) {
    structs[common["name"].get<std::string>()] = common["fields"];
  }
  std::vector<Described> fields;
  describe(message["fields"], structs, "", version, fields);
  return fields;
}

template <typename T>
struct Element {
  using Type = T;
};
template <typename T>
struct Element<std::optional<T>> : Element<T> {};
template <typename T>
struct Element<std::vector<T>> : Element<T> {};

template <typename T>
std::string type_of() {
  if constexpr (is_optional<T>) {
    return type_of<typename T::value_type>();
  } else if constexpr (std::is_enum_v<T>) {
    return type_of<std::underlying_type_t<T>>();
  } else if constexpr (std::is_same_v<T, bool>) {
    return "bool";
  } else if constexpr (std::is_integral_v<T>) {
    return (std::is_signed_v<T> ? "int" : "uint") + std::to_string(8 * sizeof(T));
  } else if constexpr (std::is_same_v<T, double>) {
    return "float64";
  } else if constexpr (std::is_same_v<T, std::string>) {
    return "string";
  } else if constexpr (std::is_same_v<T, base::Uuid>) {
    return "uuid";
  } else if constexpr (std::is_same_v<T, BytesView> || std::is_same_v<T, SharedBytes>) {
    return "bytes";
  } else if constexpr (std::is_same_v<T, Records> || std::is_same_v<T, RecordsView>) {
    return "records";
  } else if constexpr (Structure<T>) {
    return "struct";
  } else {
    return "[]" + type_of<typename T::value_type>();
  }
}

template <typename T>
std::string initial_of(const T& value) {
  if constexpr (is_optional<T>) {
    return value ? initial_of(*value) : "null";
  } else if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_enum_v<T>) {
    return std::to_string(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::is_arithmetic_v<T>) {
    return std::to_string(value);
  } else {
    return value == T{} ? "empty" : "something";
  }
}

template <Structure T>
void describe(const std::string& prefix, Version version, std::vector<Described>& into) {
  for_each_field<T>([&](auto field) {
    if (!field.rules.present(version)) return;
    using Value = std::remove_cvref_t<decltype(field.of(std::declval<T&>()))>;
    constexpr bool may_be_null =
        is_optional<Value> || std::is_same_v<Value, Records> || std::is_same_v<Value, RecordsView>;
    Described described{prefix + std::string(field.name()), type_of<Value>(),
                        may_be_null && field.rules.nullable(version), std::nullopt,
                        initial_of(field.of(defaults<T>()))};
    if (field.tagged) described.tag = field.rules.tag;
    into.push_back(described);
    using Inner = typename Element<Value>::Type;
    if constexpr (Structure<Inner>) describe<Inner>(described.name + ".", version, into);
  });
}

std::string to_lines(const std::vector<Described>& fields) {
  std::ostringstream text;
  for (const Described& field : fields) {
    text << field.name << ' ' << field.type << (field.nullable ? " nullable" : "");
    if (field.tag) text << " tag " << *field.tag;
    if (!field.initial.empty()) text << " = " << field.initial;
    text << '\n';
  }
  return text.str();
}

template <Message T>
void agrees_with_definition() {
  const std::string name(spelled_type<T>());
  const std::optional<Json> message = definition(name);
  ASSERT_TRUE(message) << name;
  SCOPED_TRACE(name);
  EXPECT_EQ(static_cast<int>(T::api_key), message->at("apiKey").get<int>());
  const Version last = is_older(name) ? std::min(T::versions.last, valid_versions(*message).last) : T::versions.last;
  for (Version version = T::versions.first; version <= last; ++version) {
    SCOPED_TRACE(version);
    EXPECT_EQ(version >= T::flexible_since, in_versions(message->at("flexibleVersions"), version));
    const std::vector<Described> theirs = described_by(*message, version);
    std::vector<Described> ours;
    describe<T>("", version, ours);
    for (std::size_t index = 0; index < std::min(ours.size(), theirs.size()); ++index) {
      if (theirs[index].initial.empty()) ours[index].initial.clear();
    }
    EXPECT_EQ(to_lines(ours), to_lines(theirs));
  }
}

class Definitions : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(definitions_folder())) {
      GTEST_SKIP() << "no message definitions at " << definitions_folder() << "; CMS_KAFKA_DEFINITIONS may name a copy";
    }
  }
};

TEST_F(Definitions, EveryFieldOfEveryVersionIsAsKafkaDefinesIt) {
  for_each_api([]<typename Pair>(Pair) {
    if (is_private(Pair::Request::api_key)) return;
    const std::string name = std::string(name_of(Pair::Request::api_key)) + "Request";
    const std::optional<Json> request = definition(name);
    ASSERT_TRUE(request);
    const VersionRange served = valid_versions(*request);
    const VersionRange ours = Pair::Request::versions;
    EXPECT_EQ(ours.first, served.first) << name;
    EXPECT_TRUE(ours.last == served.last || (is_older(name) && ours.last > served.last)) << name;
    agrees_with_definition<typename Pair::Request>();
    agrees_with_definition<typename Pair::Response>();
  });
}

TEST_F(Definitions, EveryApiHasItsNameAndItsFirstFlexibleVersion) {
  int compared = 0;
  for (const char* folder : {current_folder, older_folder}) {
    for (const auto& entry : std::filesystem::directory_iterator(definitions_folder() / folder)) {
      const std::string file = entry.path().stem();
      if (!file.ends_with("Request")) continue;
      const Json message = *definition(file);
      const auto key = static_cast<ApiKey>(message["apiKey"].get<int>());
      const VersionRange versions = valid_versions(message);
      for (Version version = versions.first; version <= versions.last; ++version) {
        EXPECT_EQ(is_flexible(key, version), in_versions(message["flexibleVersions"], version))
            << file << ' ' << version;
      }
      // Renamed in 4.1, when the request began to list more than client metrics.
      const std::string current = file == "ListClientMetricsResourcesRequest" ? "ListConfigResourcesRequest" : file;
      EXPECT_EQ(std::string(name_of(key)) + "Request", current);
      ++compared;
    }
  }
  EXPECT_GT(compared, 100);
}

}  // namespace
}  // namespace cms::protocol
