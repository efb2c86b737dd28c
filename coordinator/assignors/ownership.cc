// SPDX-License-Identifier: Apache-2.0
#include "coordinator/assignors/ownership.h"

namespace cms::coordinator {

Ownership::Ownership(const AssignorInput& input) : input_(input) {
  first_.reserve(input.topics.size() + 1);
  std::size_t count = 0;
  for (const AssignorTopic& topic : input.topics) {
    first_.push_back(count);
    count += static_cast<std::size_t>(topic.partition_count);
  }
  first_.push_back(count);
  owners_.assign(count, nobody);
}

AssignorOutput Ownership::output() const {
  AssignorOutput assigned(input_.members.size());
  for (std::size_t topic = 0; topic < input_.topics.size(); ++topic) {
    for (std::size_t index = first(topic); index < end(topic); ++index) {
      if (owners_[index] == nobody) continue;
      assigned[owners_[index]][input_.topics[topic].id].push_back(static_cast<std::int32_t>(index - first(topic)));
    }
  }
  return assigned;
}

}  // namespace cms::coordinator
