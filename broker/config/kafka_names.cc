// SPDX-License-Identifier: Apache-2.0
// Names of Kafka's broker options, so that a server.properties is taken as it is. Those that have an effect here are in
// option_table.cc; all others are named in one warning.
#include <algorithm>

#include "broker/config/settings.h"

namespace cms::broker {

namespace {

// Whole families: nothing under these is misspelled as far as we can tell.
constexpr std::string_view families[] = {
    "controller.", "delegation.", "group.",     "inter.broker.", "listener.name.", "log.cleaner.io.",
    "metadata.",   "metric.",     "metrics.",   "offsets.",      "password.",      "process.",
    "quota.",      "raft.",       "remote.",    "replica.",      "sasl.",          "security.",
    "share.",      "ssl.",        "telemetry.", "transaction.",  "zookeeper."};

// Sorted.
// clang-format off
constexpr std::string_view names[] = {
    "add.partitions.to.txn.retry.backoff.max.ms", "add.partitions.to.txn.retry.backoff.ms", "advertised.host.name",
    "advertised.listeners", "advertised.port", "alter.config.policy.class.name",
    "alter.log.dirs.replication.quota.window.num", "alter.log.dirs.replication.quota.window.size.seconds",
    "authorizer.class.name", "auto.create.topics.enable", "auto.leader.rebalance.enable", "background.threads",
    "broker.heartbeat.interval.ms", "broker.id", "broker.id.generation.enable", "broker.rack",
    "broker.session.timeout.ms", "client.quota.callback.class", "compression.gzip.level", "compression.lz4.level",
    "compression.type", "compression.zstd.level", "config.providers", "connection.failed.authentication.delay.ms",
    "connections.max.idle.ms", "connections.max.reauth.ms", "control.plane.listener.name",
    "controlled.shutdown.enable", "cordoned.log.dirs", "create.topic.policy.class.name", "default.replication.factor",
    "delete.records.purgatory.purge.interval.requests", "delete.topic.enable", "early.start.listeners",
    "enable.zookeeper", "fetch.max.bytes", "fetch.purgatory.purge.interval.requests",
    "follower.fetch.last.tiered.offset.enable", "host.name", "initial.broker.registration.timeout.ms",
    "inter.broker.listener.name", "kafka.metrics.polling.interval.secs", "kafka.metrics.reporters",
    "leader.imbalance.check.interval.seconds", "leader.imbalance.per.broker.percentage",
    "listener.security.protocol.map", "listeners", "log.cleaner.backoff.ms", "log.cleaner.dedupe.buffer.size",
    "log.cleaner.delete.retention.ms", "log.cleaner.enable", "log.cleaner.max.compaction.lag.ms",
    "log.cleaner.min.cleanable.ratio", "log.cleaner.min.compaction.lag.ms", "log.cleaner.threads",
    "log.cleanup.policy", "log.dir", "log.dir.failure.timeout.ms", "log.dirs", "log.flush.interval.messages",
    "log.flush.interval.ms", "log.flush.offset.checkpoint.interval.ms", "log.flush.scheduler.interval.ms",
    "log.flush.start.offset.checkpoint.interval.ms", "log.index.interval.bytes", "log.index.size.max.bytes",
    "log.local.retention.bytes", "log.local.retention.ms", "log.message.downconversion.enable",
    "log.message.format.version", "log.message.timestamp.after.max.ms", "log.message.timestamp.before.max.ms",
    "log.message.timestamp.difference.max.ms", "log.message.timestamp.type", "log.preallocate", "log.retention.bytes",
    "log.retention.check.interval.ms", "log.retention.hours", "log.retention.minutes", "log.retention.ms",
    "log.roll.hours", "log.roll.jitter.hours", "log.roll.jitter.ms", "log.roll.ms", "log.segment.bytes",
    "log.segment.delete.delay.ms", "max.connection.creation.rate", "max.connections", "max.connections.per.ip",
    "max.connections.per.ip.overrides", "max.incremental.fetch.session.cache.slots",
    "max.request.partition.size.limit", "max.reserved.broker.id", "message.max.bytes", "min.insync.replicas",
    "node.id", "num.io.threads", "num.network.threads", "num.partitions", "num.recovery.threads.per.data.dir",
    "num.replica.alter.log.dirs.threads", "num.replica.fetchers", "offset.metadata.max.bytes", "port",
    "principal.builder.class", "producer.id.expiration.ms", "producer.purgatory.purge.interval.requests",
    "queued.max.request.bytes", "queued.max.requests", "replication.quota.window.num",
    "replication.quota.window.size.seconds", "request.timeout.ms", "reserved.broker.max.id",
    "socket.connection.setup.timeout.max.ms", "socket.connection.setup.timeout.ms", "socket.listen.backlog.size",
    "socket.receive.buffer.bytes", "socket.request.max.bytes", "socket.send.buffer.bytes",
    "transactional.id.expiration.ms", "unclean.leader.election.enable",
};
// clang-format on

}  // namespace

bool is_kafka_option(std::string_view name) {
  const auto in_family = [name](std::string_view family) { return name.starts_with(family); };
  return std::ranges::any_of(families, in_family) || std::ranges::binary_search(names, name);
}

}  // namespace cms::broker
