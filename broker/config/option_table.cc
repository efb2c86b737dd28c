// SPDX-License-Identifier: Apache-2.0
#include "broker/config/option_table.h"

#include <algorithm>
#include <array>

#include "broker/config/topic_config_table.h"

namespace cms::broker {

namespace {

constexpr std::string_view log_levels[] = {"debug", "info", "warning", "error"};

constexpr ValueRule text_rule{.type = ConfigType::string};
constexpr ValueRule list_rule{.type = ConfigType::list};
constexpr ValueRule boolean_rule{.type = ConfigType::boolean};
constexpr ValueRule int_from(double least) { return {.type = ConfigType::integer, .least = least}; }
constexpr ValueRule long_from(double least) { return {.type = ConfigType::long_integer, .least = least}; }

std::string set_listeners(std::vector<Listener>& member, std::string_view text) {
  auto listeners = parse_listeners(text);
  if (!listeners) return listeners.error().message();
  member = std::move(*listeners);
  return {};
}

constexpr CustomOption listeners{[](Options& options, std::string_view text) {
                                   if (split_list(text).empty()) return std::string("at least one listener is needed");
                                   return set_listeners(options.listeners, text);
                                 },
                                 [](const Options& options) { return print_listeners(options.listeners); }};

constexpr CustomOption advertised_listeners{
    [](Options& options, std::string_view text) { return set_listeners(options.advertised_listeners, text); },
    [](const Options& options) { return print_listeners(options.advertised_listeners); }};

constexpr CustomOption data_directory{
    [](Options& options, std::string_view text) {
      const std::vector<std::string> paths = split_list(text);
      if (paths.size() != 1) return std::string("exactly one directory is needed; several are not supported");
      options.data_directory = paths.front();
      return std::string();
    },
    [](const Options& options) { return options.data_directory; }};

constexpr CustomOption admin{
    [](Options& options, std::string_view text) {
      if (text == "off" || text.empty()) {
        options.admin_address.clear();
        return std::string();
      }
      const auto listener = parse_listener(text, "ADMIN");
      if (!listener) return listener.error().message();
      if (listener->is_unix()) return std::string("the admin listener needs HOST:PORT or off");
      options.admin_address = listener->address();
      return std::string();
    },
    [](const Options& options) { return options.admin_address.empty() ? std::string("off") : options.admin_address; }};

constexpr CustomOption cleaner_load_factor{
    [](Options& options, std::string_view text) {
      options.cleaner_io_buffer_load_factor = parse_real(text).value();
      return std::string();
    },
    [](const Options& options) { return print_real(options.cleaner_io_buffer_load_factor); }};

constexpr CustomOption cleaner_rate{
    [](Options& options, std::string_view text) {
      const double value = parse_real(text).value();
      if (!(value >= 1)) return std::string("at least 1 is needed");  // also when it is not a number
      options.cleaner_io_bytes_per_second_max = value;
      return std::string();
    },
    [](const Options& options) { return print_real(options.cleaner_io_bytes_per_second_max); }};

// Text of the default, from a default-constructed Options.
std::optional<std::string> default_text(const OptionSpec::Member& member) {
  OptionSpec spec;
  spec.member = member;
  return option_text(Options{}, spec);
}

class Builder {
 public:
  explicit Builder(std::vector<OptionSpec>& options) : options_(options) {}

  void section(std::string name) { section_ = std::move(name); }

  OptionSpec& add(std::string name, ValueRule rule, OptionSpec::Member member, std::string documentation) {
    auto text = default_text(member);
    options_.push_back({std::move(name), section_, rule, member, std::move(text), {}, false, std::move(documentation)});
    return options_.back();
  }

 private:
  std::vector<OptionSpec>& options_;
  std::string section_;
};

void without_default(OptionSpec& spec, std::string example) {
  spec.default_text.reset();
  spec.example = std::move(example);
}

void add_node(Builder& add) {
  add.section("Who and where");
  add.add("node.id", int_from(0), &Options::node_id, "The broker's number; no two brokers of a cluster share one.");
  add.add("broker.rack", text_rule, &Options::rack,
          "Where the broker stands, told to clients that prefer a near replica.");
  add.add("listeners", list_rule, listeners,
          "Addresses to listen on: NAME://HOST:PORT or NAME://unix:/path, several with commas. An empty host is every "
          "address, port 0 any free one.");
  add.add("advertised.listeners", list_rule, advertised_listeners,
          "What clients are told to connect to, by listener name. Without an entry a listener tells its own address, "
          "or, "
          "if that is a wildcard, the address the client has reached.")
      .example = "PLAINTEXT://broker1.example.com:9092";
  add.add("listener.security.protocol.map", text_rule, {},
          "NAME:PROTOCOL for each listener whose name is not a security protocol itself.")
      .example = "LOCAL:PLAINTEXT";
  without_default(add.add("log.dirs", list_rule, data_directory,
                          "The directory that holds everything. As root /var/lib/cms, otherwise "
                          "${XDG_STATE_HOME:-~/.local/state}/cms."),
                  "/var/lib/cms");
  add.add("admin.listener", text_rule, admin,
          "HOST:PORT of /metrics, /healthz and /readyz, or off. Without authentication: keep it on loopback.");
  add.add("log.level", {.type = ConfigType::string, .one_of = log_levels}, &Options::log_level,
          "How much is written to standard error.");
}

void add_cores(Builder& add) {
  add.section("Cores");
  without_default(add.add("core.count", {.type = ConfigType::integer, .least = 1, .most = 1024}, &Options::core_count,
                          "Event loops, one thread each. By default half of the CPUs, at least 1: clients on the same "
                          "machine need the others, and a wake-up across busy cores costs ten times one that stays."),
                  "1");
  add.add("core.pinning", boolean_rule, &Options::core_pinning, "Whether each event loop stays on a CPU of its own.");
  add.add("core.busy.poll.us", {.type = ConfigType::integer, .least = 0, .most = 1'000'000}, &Options::busy_poll_us,
          "How many microseconds an idle loop looks for work before it sleeps. Costs a CPU per loop.");
}

void add_connections(Builder& add) {
  add.section("Connections");
  add.add("socket.request.max.bytes", int_from(1), &Options::socket_request_max_bytes,
          "The largest request, in bytes.");
  add.add("connections.max.idle.ms", long_from(1), &Options::connections_max_idle_ms,
          "A connection without a request for so many milliseconds is closed.");
  add.add("connection.handshake.timeout.ms", long_from(1), &Options::handshake_timeout_ms,
          "A connection whose first request is not complete after so many milliseconds is closed.");
  add.add("max.connections", int_from(0), &Options::max_connections,
          "Connections above this number are closed as they arrive.")
      .dynamic = true;
  add.add(
      "connection.buffered.max.bytes", int_from(4096), &Options::connection_buffered_bytes_max,
      "A connection is not read while so many bytes of its requests and answers wait. A larger request passes alone.");
  add.add("connection.requests.max", int_from(1), &Options::connection_requests_in_flight_max,
          "A connection is not read while so many of its requests are unanswered.");
  add.add("queued.max.request.bytes", long_from(1'048'576), &Options::buffered_bytes_max,
          "No connection is read while the requests and answers of all hold so many bytes.");
  add.add("fetch.max.bytes", int_from(1024), &Options::fetch_max_bytes, "The largest answer to a fetch, in bytes.");
  add.add("max.incremental.fetch.session.cache.slots", int_from(0), &Options::fetch_session_slots,
          "How many fetch sessions are remembered.");
  add.add("telemetry.max.bytes", int_from(1), &Options::telemetry_bytes_max,
          "A push of a client's own metrics is at most so long, in bytes as it is sent.");
}

void add_storage(Builder& add) {
  add.section("Memory and disk");
  add.add("log.memory.bytes", long_from(16'777'216), &Options::log_memory_bytes,
          "Memory for records of all partitions: volatile topics and the tails of persistent ones.");
  add.add("log.tail.bytes", int_from(65'536), &Options::partition_tail_bytes,
          "How much of its end a partition keeps in memory, so that readers at the end never touch the disk. Less when "
          "more than half of log.memory.bytes is in use.");
  add.add("log.retention.check.interval.ms", long_from(1), &Options::retention_check_interval_ms,
          "How often retention looks for segments to remove.");
}

void add_compaction(Builder& add) {
  add.section("Compaction");
  add.add("log.cleaner.enable", boolean_rule, &Options::cleaner_enable,
          "Whether topics with cleanup.policy=compact are compacted.");
  add.add("log.cleaner.threads", {.type = ConfigType::integer, .least = 1, .most = 64}, &Options::cleaner_threads,
          "Threads that compact. They yield the CPU to those that serve.");
  add.add("log.cleaner.dedupe.buffer.size", long_from(1'048'576), &Options::cleaner_dedupe_buffer_bytes,
          "Memory for the keys of the partitions being compacted, 24 bytes each, over all threads. A partition with "
          "more keys takes several runs.")
      .dynamic = true;
  add.add("log.cleaner.io.buffer.size", int_from(131'072), &Options::cleaner_io_buffer_bytes,
          "Memory for reading and writing while compacting, over all threads.")
      .dynamic = true;
  add.add("log.cleaner.io.buffer.load.factor", {.type = ConfigType::real, .least = 0.1, .most = 0.95},
          cleaner_load_factor, "How full the memory for keys may get; fuller is slower.")
      .dynamic = true;
  add.add("log.cleaner.io.max.bytes.per.second", {.type = ConfigType::real}, cleaner_rate,
          "Bytes a second that compaction reads and writes at most, over all threads.")
      .dynamic = true;
  add.add("log.cleaner.backoff.ms", long_from(0), &Options::cleaner_backoff_ms,
          "How long a thread waits before it looks again when nothing has to be compacted.")
      .dynamic = true;
}

void add_topics(Builder& add) {
  add.section("Topics");
  add.add("num.partitions", int_from(1), &Options::num_partitions, "Partitions of a topic made without a count.");
  add.add("auto.create.topics.enable", boolean_rule, &Options::auto_create_topics,
          "Whether asking for an unknown topic makes it.");
  add.add("delete.topic.enable", boolean_rule, &Options::delete_topic, "Whether topics can be deleted.");
  add.add("default.replication.factor", int_from(1), &Options::default_replication_factor,
          "Replicas of a topic made without a count. Above 1 such a topic is refused: there is one broker.");
  add.add("producer.id.expiration.ms", int_from(1), &Options::producer_id_expiration_ms,
          "A producer that has been silent for so many milliseconds is forgotten; its next record starts anew.")
      .dynamic = true;
}

constexpr std::string_view migration_policies[] = {"disabled", "upgrade", "downgrade", "bidirectional"};

void add_groups(Builder& add) {
  add.section("Groups and their offsets");
  add.add("group.min.session.timeout.ms", int_from(1), &Options::group_session_timeout_min_ms,
          "The shortest session a member of a classic group may ask for.");
  add.add("group.max.session.timeout.ms", int_from(1), &Options::group_session_timeout_max_ms,
          "The longest session a member of a classic group may ask for.");
  add.add("group.initial.rebalance.delay.ms", int_from(0), &Options::group_initial_rebalance_delay_ms,
          "How long an empty classic group waits for more members before it settles for the first time.");
  add.add("group.max.size", int_from(1), &Options::group_members_max, "Members a classic group may have.");
  add.add("group.consumer.session.timeout.ms", int_from(1), &Options::consumer_group_session_timeout_ms,
          "A member of a consumer group (KIP-848) that is silent for so many milliseconds is removed.");
  add.add("group.consumer.min.session.timeout.ms", int_from(1), &Options::consumer_group_session_timeout_min_ms,
          "The shortest session timeout that may be set for one group.");
  add.add("group.consumer.max.session.timeout.ms", int_from(1), &Options::consumer_group_session_timeout_max_ms,
          "The longest session timeout that may be set for one group.");
  add.add("group.consumer.heartbeat.interval.ms", int_from(1), &Options::consumer_group_heartbeat_interval_ms,
          "How often members of consumer groups are told to send a heartbeat.");
  add.add("group.consumer.min.heartbeat.interval.ms", int_from(1), &Options::consumer_group_heartbeat_interval_min_ms,
          "The shortest heartbeat interval that may be set for one group.");
  add.add("group.consumer.max.heartbeat.interval.ms", int_from(1), &Options::consumer_group_heartbeat_interval_max_ms,
          "The longest heartbeat interval that may be set for one group.");
  add.add("group.consumer.assignment.interval.ms", int_from(0), {},
          "The least time between two assignments of a consumer group.")
      .default_text = "1000";
  add.add("group.consumer.max.size", int_from(1), &Options::consumer_group_members_max,
          "Members a consumer group may have.");
  add.add("group.consumer.regex.refresh.interval.ms", int_from(10'000), &Options::consumer_group_regex_refresh_ms,
          "How often the regular expressions of subscriptions are looked at again, beside every change of topics.");
  add.add("group.consumer.assignors", list_rule, &Options::consumer_group_assignors,
          "Assignors of consumer groups, uniform and range; the first one is taken when members do not say.");
  add.add("group.consumer.migration.policy", {.type = ConfigType::string, .one_of = migration_policies},
          &Options::consumer_group_migration_policy,
          "Which groups may change their protocol while running: classic to consumer, back, both or none.");
}

void add_offsets(Builder& add) {
  add.section("Committed offsets");
  add.add("offset.metadata.max.bytes", int_from(0), &Options::offset_metadata_bytes_max,
          "The longest metadata a client may commit with an offset.");
  add.add("offsets.retention.minutes", int_from(1), &Options::offsets_retention_minutes,
          "Committed offsets of a group without members are forgotten after so many minutes.");
  add.add("offsets.retention.check.interval.ms", long_from(1), &Options::offsets_retention_check_interval_ms,
          "How often forgotten offsets are looked for.");
  add.add("offsets.topic.num.partitions", int_from(1), &Options::offsets_topic_num_partitions,
          "Partitions of __consumer_offsets; cannot be changed once the topic is there.");
  add.add("offsets.topic.segment.bytes", int_from(1), &Options::offsets_topic_segment_bytes,
          "Segment size of __consumer_offsets.");
}

void add_push(Builder& add) {
  constexpr double ring_least = 65'536;
  constexpr double ring_most = 1 << 30;
  add.section("Push to native clients");
  add.add("push.channels.max", int_from(0), &Options::push_channels_max, "Channels of native clients.");
  add.add("push.subscriptions.per.channel.max", int_from(0), &Options::push_subscriptions_max,
          "Subscriptions a channel may have.");
  add.add("push.streams.per.channel.max", int_from(0), &Options::push_streams_max,
          "Partitions that may be delivered over a channel.");
  add.add("push.publications.per.channel.max", int_from(0), &Options::push_publications_max,
          "Topics a channel may have open to put records.");
  add.add("push.puts.in.flight.max", int_from(1), &Options::push_puts_in_flight_max,
          "No more is taken from a channel while so many of its puts are unanswered.");
  add.add("push.ring.default.bytes", {.type = ConfigType::integer, .least = ring_least, .most = ring_most},
          &Options::push_ring_bytes,
          "Size in bytes of a channel's ring, each way, when the client does not say. A power of two.");
  add.add("push.ring.max.bytes", {.type = ConfigType::integer, .least = ring_least, .most = ring_most},
          &Options::push_ring_bytes_max, "The largest ring a client may ask for, in bytes.");
  add.add("push.ring.total.max.bytes", long_from(ring_least), &Options::push_ring_total_bytes_max,
          "Bytes of the rings of all channels together.");
  add.add("push.heartbeat.ms", {.type = ConfigType::integer, .least = 10, .most = 600'000}, &Options::push_heartbeat_ms,
          "How often the two ends of a channel tell that they live, in milliseconds, when the client does not say. An "
          "end that is silent for three times as long is given up.");
  add.add("push.token.ms", {.type = ConfigType::integer, .least = 100, .most = 600'000}, &Options::push_token_ms,
          "How long, in milliseconds, a client may take to fetch the rings of a channel it has opened.");
  add.add("push.rdma.listen", text_rule, &Options::push_rdma_listen,
          "HOST:PORT where channels over RDMA are made, if this machine has a device; port 0 is any, 0.0.0.0 every "
          "device's address. Empty: nowhere.");
}

// The options behind the topic configs. Only the strongest of several synonyms can be changed while running, as in
// Kafka.
void add_topic_defaults(Builder& add) {
  add.section("Defaults of topics; a topic or a pool may say otherwise");
  for (const TopicConfigSpec& topic : topic_config_table()) {
    for (const BrokerSynonym& synonym : topic.synonyms) {
      const bool first = &synonym == &topic.synonyms.front();
      const bool last = &synonym == &topic.synonyms.back();
      ValueRule rule = topic.rule;
      if (synonym.scale != 1) rule.type = ConfigType::integer;
      std::string documentation = "Default of " + std::string(topic.name) + ".";
      if (first) documentation += " " + std::string(topic.documentation);
      if (!first) documentation += " Weaker than " + std::string(topic.synonyms.front().option) + ".";
      OptionSpec& option = add.add(std::string(synonym.option), rule, {}, std::move(documentation));
      option.dynamic = first && topic.name != durability_config;
      if (last) option.default_text = topic.default_text;
      if (!last) option.example = synonym.scale == 1 ? default_of(topic) : std::string(topic.default_text);
    }
  }
}

constexpr std::pair<std::string_view, std::string_view> aliases[] = {
    {"broker.id", "node.id"}, {"log.dir", "log.dirs"}, {"data.dir", "log.dirs"}};

}  // namespace

OptionTable::OptionTable() {
  Builder add(options_);
  add_node(add);
  add_cores(add);
  add_connections(add);
  add_storage(add);
  add_compaction(add);
  add_topics(add);
  add_groups(add);
  add_offsets(add);
  add_push(add);
  add_topic_defaults(add);
}

const OptionSpec* OptionTable::find(std::string_view name) const {
  const auto found = std::ranges::find(options_, name, &OptionSpec::name);
  return found == options_.end() ? nullptr : &*found;
}

std::string_view canonical_option(std::string_view name) {
  const auto found = std::ranges::find(aliases, name, [](const auto& alias) { return alias.first; });
  return found == std::end(aliases) ? name : found->second;
}

std::string set_option(Options& options, const OptionSpec& spec, std::string_view text) {
  text = trimmed(text);
  if (!is_text(text)) return "the value is not valid UTF-8, or holds a zero byte";
  if (auto why = why_not(spec.rule, spec.name, text)) return *why;
  std::string value = normalized(spec.rule, text);
  if (const auto* flag = std::get_if<bool Options::*>(&spec.member)) options.** flag = parse_boolean(text).value();
  if (const auto* number = std::get_if<std::int32_t Options::*>(&spec.member))
    options.** number = parse_int(text).value();
  if (const auto* number = std::get_if<std::int64_t Options::*>(&spec.member))
    options.** number = parse_long(text).value();
  if (const auto* word = std::get_if<std::string Options::*>(&spec.member)) options.** word = value;
  if (const auto* custom = std::get_if<CustomOption>(&spec.member)) {
    if (std::string why = custom->set(options, text); !why.empty()) return why;
    value = custom->get(options);
  }
  options.given[spec.name] = std::move(value);
  return {};
}

std::optional<std::string> option_text(const Options& options, const OptionSpec& spec) {
  if (const auto* flag = std::get_if<bool Options::*>(&spec.member)) return options.**flag ? "true" : "false";
  if (const auto* number = std::get_if<std::int32_t Options::*>(&spec.member)) return std::to_string(options.**number);
  if (const auto* number = std::get_if<std::int64_t Options::*>(&spec.member)) return std::to_string(options.**number);
  if (const auto* word = std::get_if<std::string Options::*>(&spec.member)) return options.**word;
  if (const auto* custom = std::get_if<CustomOption>(&spec.member)) return custom->get(options);
  const auto given = options.given.find(spec.name);
  return given == options.given.end() ? spec.default_text : std::optional(given->second);
}

}  // namespace cms::broker
