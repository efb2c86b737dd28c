// SPDX-License-Identifier: Apache-2.0
// toml++ 3.3 asserts what a wrong file breaks ("[=") right before it reports it as an error: the report is what we
// want.
#define TOML_ASSERT(expression) static_cast<void>(0)
#define TOML_EXCEPTIONS 0
#include <charconv>

#include <toml++/toml.h>

#include "broker/config/settings.h"

namespace cms::broker {

namespace {

using base::Error;
using base::ErrorKind;
using base::Result;

std::string place(std::string_view file, const toml::source_position& at) {
  return std::string(file) + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

// A scalar as text; nothing for tables, dates and the like.
std::optional<std::string> scalar_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  if (const auto* real = node.as_floating_point()) {
    char text[32];
    return std::string(text, std::to_chars(text, text + sizeof text, real->get()).ptr);
  }
  return std::nullopt;
}

std::optional<std::string> value_text(const toml::node& node) {
  const auto* array = node.as_array();
  if (array == nullptr) return scalar_text(node);
  std::vector<std::string> members;
  for (const toml::node& member : *array) {
    auto text = scalar_text(member);
    if (!text) return std::nullopt;
    members.push_back(std::move(*text));
  }
  return join_list(members);
}

// Collects `table` under dotted names. toml++ bounds the nesting.
class Flattener {
 public:
  explicit Flattener(std::string_view file) : file_(file) {}

  Result<void> flatten(const toml::table& table, const std::string& prefix, std::vector<Setting>& settings) {
    for (const auto& [key, node] : table) {
      const std::string name = prefix + std::string(key.str());
      if (prefix.empty() && name == "pool" && pools_ != nullptr) {
        if (auto read = read_pools(node, key); !read) return read;
        continue;
      }
      if (const auto* inner = node.as_table()) {
        if (auto done = flatten(*inner, name + ".", settings); !done) return done;
        continue;
      }
      auto text = value_text(node);
      if (!text) {
        return Error(ErrorKind::invalid, place(file_, node.source().begin) + ": " + name +
                                             " must be a number, a string, true or false, or a list of these");
      }
      settings.push_back({name, std::move(*text), place(file_, key.source().begin), true});
    }
    return {};
  }

  void collect_pools(std::vector<std::vector<Setting>>& pools) { pools_ = &pools; }

 private:
  Result<void> read_pools(const toml::node& node, const toml::key& key) {
    const Error wrong(ErrorKind::invalid,
                      place(file_, key.source().begin) + ": pool is a list of tables; begin each with [[pool]]");
    const auto* array = node.as_array();
    if (array == nullptr) return wrong;
    for (const toml::node& entry : *array) {
      const auto* table = entry.as_table();
      if (table == nullptr) return wrong;
      std::vector<Setting> settings;
      Flattener inner(file_);
      if (auto done = inner.flatten(*table, "", settings); !done) return done;
      pools_->push_back(std::move(settings));
      if (pools_->back().empty())
        return Error(ErrorKind::invalid, place(file_, table->source().begin) + ": [[pool]] is empty");
    }
    return {};
  }

  const std::string_view file_;
  std::vector<std::vector<Setting>>* pools_ = nullptr;
};

}  // namespace

Result<FileSettings> read_toml(std::string_view text, std::string_view file) {
  if (text.size() > configuration_bytes_max) {
    return Error(ErrorKind::full, std::string(file) + ": larger than 1 MiB, which no configuration needs to be");
  }
  const toml::parse_result parsed = toml::parse(text, file);
  if (!parsed) {
    return Error(ErrorKind::invalid, place(file, parsed.error().source().begin) +
                                         ": not valid TOML: " + std::string(parsed.error().description()));
  }
  FileSettings result;
  Flattener flattener(file);
  flattener.collect_pools(result.pools);
  if (auto done = flattener.flatten(parsed.table(), "", result.settings); !done) return done.error();
  return result;
}

}  // namespace cms::broker
