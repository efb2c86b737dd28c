// SPDX-License-Identifier: Apache-2.0
#include "broker/metadata/named_configs.h"

#include <utility>

#include "base/check.h"
#include "broker/metadata/record_text.h"

namespace cms::broker {

base::Result<std::unique_ptr<NamedConfigs>> NamedConfigs::open(ConfigurationStore& store, Kind kind) {
  CHECK(kind.key_prefix.size() + name_bytes_max <= store_key_bytes_max);
  const auto entries = store.list(kind.key_prefix);
  if (!entries) return entries.error().while_doing("loading " + kind.key_prefix);
  std::unique_ptr<NamedConfigs> named(new NamedConfigs(store, std::move(kind)));
  for (const StoredEntry& entry : *entries) {
    auto configs = read_configs(entry.value);
    if (!configs) {
      return base::Error(base::ErrorKind::corrupt, "the entry " + entry.key +
                                                       " is not what this version writes; restore the metadata from a "
                                                       "backup");
    }
    named->names_[entry.key.substr(named->kind_.key_prefix.size())] = std::move(*configs);
  }
  return named;
}

ConfigMap NamedConfigs::of(std::string_view name) const {
  const std::lock_guard lock(names_mutex_);
  const auto found = names_.find(name);
  return found == names_.end() ? ConfigMap() : found->second;
}

std::vector<std::string> NamedConfigs::names() const {
  const std::lock_guard lock(names_mutex_);
  std::vector<std::string> names;
  names.reserve(names_.size());
  for (const auto& [name, configs] : names_) names.push_back(name);
  return names;
}

base::Result<void> NamedConfigs::store(const std::string& name, const ConfigMap& configs) {
  StoreChange change{kind_.key_prefix + name, std::nullopt, std::nullopt};
  if (!configs.empty()) change.value = write_configs(configs);
  const auto outcome = store_.apply({&change, 1});
  if (!outcome) return outcome.error().while_doing("storing the configs of " + kind_.one);
  CHECK(outcome->applied);  // no version was expected
  return {};
}

base::Result<NamedConfigs::Refusal> NamedConfigs::change(const std::string& name, const Change& change,
                                                         bool validate_only, const Changed& changed) {
  if (name.size() > name_bytes_max) {
    return Refusal(ConfigRefusal{
        ConfigRefusal::Code::invalid_request,
        "The name of " + kind_.one + " with configs has at most " + std::to_string(name_bytes_max) + " bytes."});
  }
  const std::lock_guard changing(change_mutex_);
  const ConfigMap before = of(name);
  const ConfigOutcome after = change(before);
  if (!after) return Refusal(after.refusal());
  if (validate_only || *after == before) return Refusal();
  if (auto stored = store(name, *after); !stored) return stored.error();
  {
    const std::lock_guard lock(names_mutex_);
    if (after->empty()) {
      names_.erase(name);
    } else {
      names_[name] = *after;
    }
  }
  changed(*after);
  return Refusal();
}

}  // namespace cms::broker
