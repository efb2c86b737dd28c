// SPDX-License-Identifier: Apache-2.0
// Names and values as a client may send them, each line "name=value": what is accepted can be put in force and shown.
#include "base/check.h"
#include "broker/config/broker_config.h"
#include "broker/config/topic_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cms::broker;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<ConfigOperation> operations;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t equals = std::min(line.find('='), line.size());
    const auto kind = static_cast<ConfigOperation::Kind>(line.size() % 5);
    operations.push_back(
        {std::string(line.substr(0, equals)), kind, std::string(line.substr(std::min(line.size(), equals + 1)))});
  }
  BrokerConfigLayers brokers;
  for (const ConfigOperation& operation : operations) {
    if (const auto changed = alter_broker_config(brokers.dynamic_broker, {&operation, 1}))
      brokers.dynamic_broker = *changed;
  }
  ConfigMap topic;
  for (const ConfigOperation& operation : operations) {
    const TopicConfigLayers layers{topic, nullptr, brokers, std::nullopt};
    if (const auto changed = alter_topic_config({&operation, 1}, layers)) topic = ConfigMap(*changed);
  }
  const TopicConfigLayers layers{topic, nullptr, brokers, Durability::transient};
  CHECK(effective_topic_config(layers).flush_messages >= 1);
  CHECK(describe_topic_config(layers).size() == 34);
  CHECK(!describe_broker_config({}, brokers).empty());
  (void)with_dynamic_config({}, brokers);
  return 0;
}
