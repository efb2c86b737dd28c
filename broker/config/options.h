// SPDX-License-Identifier: Apache-2.0
// Everything cmsd can be told, each with a default that works. broker/config/option_table.h names, describes and checks
// each member; broker/config/configuration.h fills one from file, environment and flags.
//
// What only gives topics their defaults (log.retention.ms, message.max.bytes ...) has no member here: it is in `given`
// and read through effective_topic_config() (broker/config/topic_config.h), because a topic or a pool may say
// otherwise.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "broker/config/config_value.h"
#include "broker/config/listeners.h"
#include "broker/config/pool_rules.h"

namespace cms::broker {

struct Options {
  // Who and where.
  std::int32_t node_id = 1;
  std::string rack;  // empty: none
  std::vector<Listener> listeners = {{"PLAINTEXT", "PLAINTEXT", "127.0.0.1", 9092, ""}};
  std::vector<Listener> advertised_listeners;  // by listener name; one without an entry tells its own address, or, when
                                               // that is a wildcard, the address the client has reached
  std::string data_directory;                  // set by load_configuration(), see default_data_directory()
  std::string admin_address = "127.0.0.1:9644";  // HOST:PORT of metrics and health; empty: off

  // Cores.
  std::int32_t core_count = 1;  // set by load_configuration() to half of the CPUs, at least 1
  bool core_pinning = false;
  std::int32_t busy_poll_us = 0;

  // Connections.
  std::int32_t socket_request_max_bytes = 104'857'600;
  std::int64_t connections_max_idle_ms = 600'000;
  std::int64_t handshake_timeout_ms = 10'000;
  std::int32_t max_connections = 100'000;
  std::int32_t connection_buffered_bytes_max = 16 * 1024 * 1024;  // one larger request still passes, alone
  std::int64_t buffered_bytes_max = std::int64_t{512} * 1024 * 1024;
  std::int32_t connection_requests_in_flight_max = 100;
  std::int32_t fetch_max_bytes = 57'671'680;
  std::int32_t fetch_session_slots = 1000;
  std::int32_t telemetry_bytes_max = 1'048'576;

  // Memory and disk.
  std::int64_t log_memory_bytes = std::int64_t{1024} * 1024 * 1024;
  std::int32_t partition_tail_bytes = 16 * 1024 * 1024;
  std::int64_t retention_check_interval_ms = 300'000;

  // Compaction.
  bool cleaner_enable = true;
  std::int32_t cleaner_threads = 1;
  std::int64_t cleaner_dedupe_buffer_bytes = 134'217'728;  // of all threads, as are the next
  std::int32_t cleaner_io_buffer_bytes = 524'288;
  double cleaner_io_buffer_load_factor = 0.9;
  double cleaner_io_bytes_per_second_max = std::numeric_limits<double>::max();
  std::int64_t cleaner_backoff_ms = 15'000;

  // Topics.
  std::int32_t num_partitions = 1;
  bool auto_create_topics = true;
  bool delete_topic = true;
  std::int32_t default_replication_factor = 1;
  std::int32_t producer_id_expiration_ms = 86'400'000;
  PoolRules pools;

  // Groups and their offsets.
  std::int32_t group_session_timeout_min_ms = 6'000;
  std::int32_t group_session_timeout_max_ms = 1'800'000;
  std::int32_t group_initial_rebalance_delay_ms = 3'000;
  std::int32_t group_members_max = 2'147'483'647;
  std::int32_t consumer_group_session_timeout_ms = 45'000;
  std::int32_t consumer_group_session_timeout_min_ms = 45'000;
  std::int32_t consumer_group_session_timeout_max_ms = 60'000;
  std::int32_t consumer_group_heartbeat_interval_ms = 5'000;
  std::int32_t consumer_group_heartbeat_interval_min_ms = 5'000;
  std::int32_t consumer_group_heartbeat_interval_max_ms = 15'000;
  std::int32_t consumer_group_members_max = 2'147'483'647;
  std::int32_t consumer_group_regex_refresh_ms = 600'000;
  std::string consumer_group_assignors = "uniform,range";
  std::string consumer_group_migration_policy = "bidirectional";
  std::int32_t offset_metadata_bytes_max = 4096;
  std::int32_t offsets_retention_minutes = 10'080;
  std::int64_t offsets_retention_check_interval_ms = 600'000;
  std::int32_t offsets_topic_num_partitions = 50;
  std::int32_t offsets_topic_segment_bytes = 104'857'600;

  // Push, to native clients.
  std::int32_t push_channels_max = 1024;
  std::int32_t push_subscriptions_max = 2000;  // of a channel, as are the next
  std::int32_t push_streams_max = 20'000;
  std::int32_t push_publications_max = 1000;
  std::int32_t push_puts_in_flight_max = 4096;
  std::int32_t push_ring_bytes = 1024 * 1024;  // each way, as is the next
  std::int32_t push_ring_bytes_max = 64 * 1024 * 1024;
  std::int64_t push_ring_total_bytes_max = std::int64_t{1024} * 1024 * 1024;
  std::int32_t push_heartbeat_ms = 2000;
  std::int32_t push_token_ms = 5000;
  std::string push_rdma_listen = "0.0.0.0:0";  // HOST:PORT; empty: none

  std::string log_level = "info";  // debug, info, warning, error

  // What was said explicitly, by option name, normalized: source 4 in DescribeConfigs; all else is source 5.
  ConfigMap given;
};

// As root /var/lib/cms, otherwise ${XDG_STATE_HOME:-~/.local/state}/cms; `environment` gives XDG_STATE_HOME and HOME.
std::string default_data_directory(const ConfigMap& environment, bool is_root);

// Half of the CPUs this process may use, at least 1: clients on the same machine need the other half, and a wake-up
// that crosses to a busy core costs ten times one that stays.
std::int32_t default_core_count();

}  // namespace cms::broker
