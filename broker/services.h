// SPDX-License-Identifier: Apache-2.0
// The parts of the broker that requests are served from. The table of handlers (broker/handlers/table.cc) hands each
// handler the parts it uses; nothing else sees this whole.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "base/metrics.h"
#include "broker/config/options.h"
#include "broker/metadata/metadata.h"
#include "broker/topics/topics.h"
#include "storage/disk.h"

namespace cms::broker {

class ClientInstances;
class FetchSessions;
class GroupConfigs;
class GroupCoordinator;
class ProducerIds;
class Subscriptions;

struct Services {
  const base::Clock& clock;
  const Options& options;
  storage::Disk& disk;
  Metadata& metadata;
  Topics& topics;
  FetchSessions& fetch_sessions;
  ProducerIds& producer_ids;
  GroupCoordinator& groups;
  GroupConfigs& group_configs;
  Subscriptions& subscriptions;
  ClientInstances& client_instances;
  base::Registry& metrics;

  // Runs blocking work on a thread that may block.
  std::function<void(std::function<void()>)> run_on_worker;
};

}  // namespace cms::broker
