// SPDX-License-Identifier: Apache-2.0
// A pattern as a client sends it: refused, or matched against names in bounded time.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "coordinator/consumer/topic_pattern.h"

namespace {

class SomeTopics final : public cms::coordinator::TopicCatalog {
 public:
  std::optional<cms::coordinator::TopicInfo> find(std::string_view) const override { return {}; }
  std::optional<cms::coordinator::TopicInfo> find(const cms::base::Uuid&) const override { return {}; }
  void for_each(const std::function<void(const cms::coordinator::TopicInfo&)>& visit) const override {
    for (const std::string& name : {std::string("orders"), std::string("orders.eu-1"), std::string(249, 'a')})
      visit({.name = name, .id = {}, .partition_count = 1});
    visit({.name = "__consumer_offsets", .id = {}, .partition_count = 50});
  }
  std::uint64_t generation() const override { return 1; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view pattern(reinterpret_cast<const char*>(data), size);
  const bool usable = !cms::coordinator::why_not_a_pattern(pattern);
  const auto names = cms::coordinator::matching_topics(pattern, SomeTopics());
  CHECK(usable || names.empty());
  CHECK(names.size() <= 4);
  return 0;
}
