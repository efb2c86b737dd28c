// SPDX-License-Identifier: Apache-2.0
#include "coordinator/classic/subscribed_topics.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "protocol/wire_reader.h"

namespace cms::coordinator {
namespace {

constexpr std::size_t version_size = 2;

}  // namespace

bool SubscribedTopics::add(const base::Bytes& metadata) {
  protocol::WireReader reader(metadata);
  if (reader.integer<std::int16_t>() < 0 || reader.failed()) return false;
  const base::ByteSpan rest = metadata.span().subspan(version_size);
  if (!last_.empty() && rest.size() >= last_.size() && std::ranges::equal(rest.first(last_.size()), last_.span())) {
    return true;
  }
  const auto count = reader.integer<std::int32_t>();
  std::vector<std::string_view> names;
  for (std::int32_t i = 0; i < count && !reader.failed(); ++i) {
    const auto size = reader.integer<std::int16_t>();
    if (size < 0) return false;
    names.push_back(base::as_text(reader.bytes(static_cast<std::size_t>(size))));
  }
  if (count < 0 || reader.failed()) return false;
  for (const std::string_view name : names) names_.emplace(name);
  last_ = metadata.slice(version_size, rest.size() - reader.left());
  return true;
}

}  // namespace cms::coordinator
