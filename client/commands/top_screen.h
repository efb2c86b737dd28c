// SPDX-License-Identifier: Apache-2.0
// What `cms top` shows: the difference between two looks at a cluster.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "client/channels.h"
#include "client/group_offsets.h"

namespace cms::client {

// A cluster at one moment.
struct Look {
  base::Nanoseconds at{};  // of a steady clock
  base::TimestampMs time_ms = 0;
  PartitionOffsets ends;
  std::vector<ListedGroup> groups;
  std::map<std::string, CommittedOffsets> committed;  // by group
  DescribedChannels channels;
};

struct TopScreen {
  struct Topic {
    std::string name;
    std::size_t partitions = 0;
    double records_per_second = 0;
  };
  struct Group {
    std::string name;
    std::string state;
    std::size_t partitions = 0;  // with an offset committed
    std::int64_t lag = 0;
    double records_per_second = 0;  // committed
  };
  struct Channel {
    DescribedChannel now;
    double records_per_second = 0;  // pushed
    double bytes_per_second = 0;
    double puts_per_second = 0;
  };

  base::TimestampMs time_ms = 0;
  std::vector<Topic> topics;       // the busiest first
  std::vector<Group> groups;       // the one that lags most first
  std::vector<Channel> channels;   // likewise
  std::size_t channels_total = 0;  // more than are known, where there are many
  double records_per_second = 0;
  std::int64_t lag = 0;  // of groups

  // At most `lines_max` lines, those left out are counted; 0: as many as it takes. Channels are
  // shown where there are any, and ten lines.
  std::string to_text(const std::string& broker, std::size_t lines_max) const;
  std::string to_json(int indent) const;
};

// Rates count what is in both looks; an offset set back counts as nothing.
TopScreen compare(const Look& before, const Look& now);

}  // namespace cms::client
