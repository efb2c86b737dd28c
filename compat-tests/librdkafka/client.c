// SPDX-License-Identifier: Apache-2.0
// librdkafka's C interface against the broker in BOOTSTRAP: client TOPIC [name=value ...]
//
// Prints a line per case and the totals; exit code 0 if all cases passed, 1 otherwise. Every wait is bounded.
#include <librdkafka/rdkafka.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { partitions = 6, record_count = 200, spare_partition = 5, wait_ms = 15000, value_bytes_max = 3000 };

static const char *bootstrap;
static const char *topic;
static char why[1024];
static int passed, failed;

// A record as this program makes it; the same index gives the same record.
struct record {
  char key[32];
  size_t key_bytes;
  int has_key;
  char value[value_bytes_max];
  size_t value_bytes;
  int has_value;
  char header[32];
  int64_t timestamp_ms;
};

static int64_t first_timestamp_ms;

static void make_record(struct record *record, int index) {
  unsigned state = 2654435761u * (unsigned)(index + 1);
  record->has_key = index % 7 != 0;
  record->key_bytes = (size_t)snprintf(record->key, sizeof record->key, "key-%d", index);
  record->has_value = index % 10 != 3;
  record->value_bytes = index % 10 == 4 ? 0 : (size_t)(index * 37 % value_bytes_max);
  for (size_t i = 0; i < record->value_bytes; i++) {
    if (i % 16 == 0) state = state * 1103515245u + 12345u;
    record->value[i] = (char)(state >> (i % 4 * 8));
  }
  snprintf(record->header, sizeof record->header, "header of %d", index);
  record->timestamp_ms = first_timestamp_ms + 1000 * index;
}

static int fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why, sizeof why, format, arguments);
  va_end(arguments);
  return 0;
}

static void check(const char *name, const char *detail, int ok) {
  if (ok) {
    passed++;
    printf("ok - %s%s\n", name, detail);
  } else {
    failed++;
    printf("not ok - %s%s: %s\n", name, detail, why);
  }
  fflush(stdout);
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
  char error[512];
  if (rd_kafka_conf_set(conf, name, value, error, sizeof error)) {
    fprintf(stderr, "%s\n", error);
    exit(2);
  }
}

static rd_kafka_t *open_client(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
  char error[512];
  set(conf, "bootstrap.servers", bootstrap);
  rd_kafka_t *client = rd_kafka_new(type, conf, error, sizeof error);
  if (!client) {
    fprintf(stderr, "%s\n", error);
    exit(2);
  }
  return client;
}

// ---- producing

struct deliveries {
  int good, bad;
  int64_t next_offset;  // deliveries of one partition come in its order, without gaps
  int in_order;
  const char *error;
};

static void delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
  (void)client;
  struct deliveries *deliveries = opaque;
  if (message->err) {
    deliveries->bad++;
    deliveries->error = rd_kafka_err2str(message->err);
    return;
  }
  deliveries->good++;
  if (deliveries->next_offset >= 0 && message->offset != deliveries->next_offset) deliveries->in_order = 0;
  deliveries->next_offset = message->offset + 1;
}

static rd_kafka_resp_err_t send_record(rd_kafka_t *producer, int partition, int index) {
  struct record record;
  make_record(&record, index);
  rd_kafka_headers_t *headers = rd_kafka_headers_new(3);
  rd_kafka_header_add(headers, "name", -1, record.header, -1);
  rd_kafka_header_add(headers, "name", -1, "", 0);
  rd_kafka_header_add(headers, "null", -1, NULL, 0);
  rd_kafka_resp_err_t error =
      rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                        RD_KAFKA_V_KEY(record.has_key ? record.key : NULL, record.has_key ? record.key_bytes : 0),
                        RD_KAFKA_V_VALUE(record.has_value ? record.value : NULL, record.value_bytes),
                        RD_KAFKA_V_TIMESTAMP(record.timestamp_ms), RD_KAFKA_V_HEADERS(headers),
                        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
  if (error) rd_kafka_headers_destroy(headers);
  return error;
}

// Sends the records from..to-1 and waits until all are acknowledged.
static int produce(int partition, int from, int to, const char *codec, const char *idempotent) {
  struct deliveries deliveries = {.next_offset = -1, .in_order = 1};
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "acks", "all");
  set(conf, "linger.ms", "5");
  set(conf, "batch.num.messages", "37");
  set(conf, "message.timeout.ms", "15000");
  set(conf, "compression.codec", codec);
  set(conf, "enable.idempotence", idempotent);
  rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  rd_kafka_conf_set_opaque(conf, &deliveries);
  rd_kafka_t *producer = open_client(RD_KAFKA_PRODUCER, conf);
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
  for (int i = from; i < to && !error; i++) error = send_record(producer, partition, i);
  if (!error) error = rd_kafka_flush(producer, wait_ms);
  rd_kafka_destroy(producer);
  if (error) return fail("produce: %s", rd_kafka_err2str(error));
  if (deliveries.bad) return fail("%d records refused: %s", deliveries.bad, deliveries.error);
  if (deliveries.good != to - from) return fail("%d of %d acknowledged", deliveries.good, to - from);
  if (!deliveries.in_order) return fail("offsets acknowledged out of order");
  return 1;
}

// ---- consuming

static rd_kafka_t *open_consumer(void) {
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "group.id", "unused");
  set(conf, "enable.auto.commit", "false");
  set(conf, "enable.auto.offset.store", "false");
  set(conf, "enable.partition.eof", "true");
  set(conf, "auto.offset.reset", "error");
  set(conf, "check.crcs", "true");
  rd_kafka_t *consumer = open_client(RD_KAFKA_CONSUMER, conf);
  rd_kafka_poll_set_consumer(consumer);
  return consumer;
}

static void assign(rd_kafka_t *consumer, int partition, int64_t offset) {
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
  rd_kafka_assign(consumer, list);
  rd_kafka_topic_partition_list_destroy(list);
}

static int same_headers(const rd_kafka_message_t *message, const struct record *record) {
  rd_kafka_headers_t *headers;
  const char *name;
  const void *value;
  size_t bytes;
  if (rd_kafka_message_headers(message, &headers) || rd_kafka_header_cnt(headers) != 3) return 0;
  rd_kafka_header_get_all(headers, 0, &name, &value, &bytes);
  if (strcmp(name, "name") != 0 || bytes != strlen(record->header) || memcmp(value, record->header, bytes)) return 0;
  rd_kafka_header_get_all(headers, 1, &name, &value, &bytes);
  if (strcmp(name, "name") != 0 || bytes != 0 || !value) return 0;
  rd_kafka_header_get_all(headers, 2, &name, &value, &bytes);
  return strcmp(name, "null") == 0 && !value;
}

static int same(const rd_kafka_message_t *message, int index) {
  struct record record;
  make_record(&record, index);
  rd_kafka_timestamp_type_t type;
  if (!message->key != !record.has_key) return fail("record %d: key there or not", index);
  if (record.has_key && (message->key_len != record.key_bytes || memcmp(message->key, record.key, record.key_bytes)))
    return fail("record %d: another key", index);
  if (!message->payload != !record.has_value) return fail("record %d: value there or not", index);
  if (record.has_value && (message->len != record.value_bytes || memcmp(message->payload, record.value, message->len)))
    return fail("record %d: another value, %zu bytes for %zu", index, message->len, record.value_bytes);
  if (!same_headers(message, &record)) return fail("record %d: other headers", index);
  if (rd_kafka_message_timestamp(message, &type) != record.timestamp_ms || type != RD_KAFKA_TIMESTAMP_CREATE_TIME)
    return fail("record %d: another timestamp", index);
  return 1;
}

// Takes the records from..to-1, whose first has this offset, and then the end of the partition if at_end.
static int take(rd_kafka_t *consumer, int64_t offset, int from, int to, int at_end) {
  time_t deadline = time(NULL) + wait_ms / 1000;
  int next = from;
  while (time(NULL) < deadline) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 200);
    if (!message) continue;
    rd_kafka_resp_err_t error = message->err;
    int ok = 1;
    if (!error && next == to) {
      ok = fail("a record more than expected, at offset %lld", (long long)message->offset);
    } else if (!error) {
      if (message->offset != offset + next - from)
        ok = fail("record %d has offset %lld", next, (long long)message->offset);
      else
        ok = same(message, next);
      next++;
    } else if (error != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      ok = fail("consume: %s", rd_kafka_message_errstr(message));
    }
    rd_kafka_message_destroy(message);
    if (!ok) return 0;
    if (next == to && (error == RD_KAFKA_RESP_ERR__PARTITION_EOF || !at_end)) return 1;
  }
  return fail("%d of %d records within %d ms", next - from, to - from, wait_ms);
}

static int consume(int partition, int64_t position, int64_t offset, int from, int to) {
  rd_kafka_t *consumer = open_consumer();
  assign(consumer, partition, position);
  int ok = take(consumer, offset, from, to, 1);
  rd_kafka_consumer_close(consumer);
  rd_kafka_destroy(consumer);
  return ok;
}

static int64_t end_offset(rd_kafka_t *client, int partition) {
  int64_t low = -1, high = -1;
  if (rd_kafka_query_watermark_offsets(client, topic, partition, &low, &high, wait_ms)) return -1;
  return high;
}

// ---- cases

static int create(rd_kafka_t *client, char **configs) {
  char error[512];
  rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
  rd_kafka_NewTopic_t *request = rd_kafka_NewTopic_new(topic, partitions, 1, error, sizeof error);
  for (; *configs; configs++) {
    char *name = strdup(*configs), *value = strchr(name, '=');
    if (!value) return fail("not name=value: %s", *configs);
    *value++ = 0;
    rd_kafka_NewTopic_set_config(request, name, value);
    free(name);
  }
  rd_kafka_CreateTopics(client, &request, 1, NULL, queue);
  rd_kafka_NewTopic_destroy(request);
  rd_kafka_event_t *event = rd_kafka_queue_poll(queue, wait_ms);
  if (!event) return fail("no answer");
  if (rd_kafka_event_error(event)) return fail("%s", rd_kafka_event_error_string(event));
  size_t count;
  const rd_kafka_topic_result_t **results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
  int ok = count == 1 && !rd_kafka_topic_result_error(results[0]);
  if (!ok) fail("%s", rd_kafka_topic_result_error_string(results[0]));
  rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  return ok;
}

static int describe_once(rd_kafka_t *client) {
  const struct rd_kafka_metadata *metadata;
  rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
  rd_kafka_resp_err_t error = rd_kafka_metadata(client, 0, handle, &metadata, wait_ms);
  rd_kafka_topic_destroy(handle);
  if (error) return fail("%s", rd_kafka_err2str(error));
  int ok = 1;
  if (metadata->topic_cnt != 1 || metadata->topics[0].err || metadata->topics[0].partition_cnt != partitions)
    ok = fail("not one topic of %d partitions", partitions);
  for (int i = 0; ok && i < partitions; i++) {
    const struct rd_kafka_metadata_partition *partition = &metadata->topics[0].partitions[i];
    if (partition->err || partition->leader < 0 || partition->replica_cnt < 1 || partition->isr_cnt < 1)
      ok = fail("partition %d has no leader or replicas", i);
  }
  rd_kafka_metadata_destroy(metadata);
  char *cluster = rd_kafka_clusterid(client, wait_ms);
  if (ok && (!cluster || !*cluster)) ok = fail("no cluster id");
  rd_kafka_mem_free(client, cluster);
  if (ok && rd_kafka_controllerid(client, wait_ms) < 0) ok = fail("no controller id");
  return ok;
}

static void pause_ms(int milliseconds) {
  nanosleep(&(struct timespec){.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L}, NULL);
}

// A topic just created may take a moment to be shown.
static int describe(rd_kafka_t *client) {
  for (int attempt = 0; attempt < 50; attempt++) {
    if (describe_once(client)) return 1;
    pause_ms(100);
  }
  return 0;
}

static int codec(rd_kafka_t *client, int partition, const char *name) {
  if (!produce(partition, 0, record_count, name, "false")) return 0;
  int64_t low, high;
  rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(client, topic, partition, &low, &high, wait_ms);
  if (error) return fail("%s", rd_kafka_err2str(error));
  if (low != 0 || high != record_count) return fail("watermarks %lld, %lld", (long long)low, (long long)high);
  return consume(partition, RD_KAFKA_OFFSET_BEGINNING, 0, 0, record_count);
}

// A consumer that waits at the end gets what comes, in several steps.
static int from_end(rd_kafka_t *client) {
  int64_t end = end_offset(client, spare_partition);
  if (end < 0) return fail("no end offset");
  rd_kafka_t *consumer = open_consumer();
  assign(consumer, spare_partition, RD_KAFKA_OFFSET_END);
  int ok = take(consumer, end, 0, 0, 1);
  for (int i = 0; ok && i < 5; i++)
    ok = produce(spare_partition, i, i + 1, "none", "false") && take(consumer, end + i, i, i + 1, 0);
  ok = ok && produce(spare_partition, 5, record_count, "lz4", "false") && take(consumer, end + 5, 5, record_count, 0);
  rd_kafka_consumer_close(consumer);
  rd_kafka_destroy(consumer);
  return ok;
}

static int64_t offset_at(rd_kafka_t *client, int partition, int64_t time_ms) {
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic, partition)->offset = time_ms;
  rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(client, list, wait_ms);
  int64_t offset = error ? -9999 : list->elems[0].err ? -9998 : list->elems[0].offset;
  rd_kafka_topic_partition_list_destroy(list);
  return offset;
}

static int from_time(rd_kafka_t *client, int partition) {
  int64_t exact = offset_at(client, partition, first_timestamp_ms + 100 * 1000);
  int64_t between = offset_at(client, partition, first_timestamp_ms + 100 * 1000 + 1);
  int64_t early = offset_at(client, partition, 0);
  int64_t late = offset_at(client, partition, first_timestamp_ms + 1000 * record_count);
  if (exact != 100 || between != 101 || early != 0 || late != RD_KAFKA_OFFSET_END)
    return fail("offsets %lld %lld %lld %lld for 100, 101, 0 and the end", (long long)exact, (long long)between,
                (long long)early, (long long)late);
  return consume(partition, exact, exact, 100, record_count);
}

static int idempotent(rd_kafka_t *client) {
  int64_t end = end_offset(client, spare_partition);
  return produce(spare_partition, 0, record_count, "zstd", "true") &&
         consume(spare_partition, end, end, 0, record_count);
}

static int out_of_range(void) {
  rd_kafka_t *consumer = open_consumer();
  assign(consumer, 0, 1000000);
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
  for (int i = 0; i < 50 && !error; i++) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 200);
    if (message) error = message->err;
    if (message) rd_kafka_message_destroy(message);
  }
  rd_kafka_consumer_close(consumer);
  rd_kafka_destroy(consumer);
  if (error == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || error == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) return 1;
  return fail("%s instead of out of range", rd_kafka_err2str(error));
}

static int gone(rd_kafka_t *client) {
  rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
  rd_kafka_DeleteTopic_t *request = rd_kafka_DeleteTopic_new(topic);
  rd_kafka_DeleteTopics(client, &request, 1, NULL, queue);
  rd_kafka_DeleteTopic_destroy(request);
  rd_kafka_event_t *event = rd_kafka_queue_poll(queue, wait_ms);
  if (!event) return fail("no answer");
  if (rd_kafka_event_error(event)) return fail("%s", rd_kafka_event_error_string(event));
  size_t count;
  const rd_kafka_topic_result_t **results =
      rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
  rd_kafka_resp_err_t error = rd_kafka_topic_result_error(results[0]);
  rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  if (error) return fail("%s", rd_kafka_err2str(error));
  for (int attempt = 0; attempt < 50; attempt++) {
    const struct rd_kafka_metadata *metadata;
    if ((error = rd_kafka_metadata(client, 1, NULL, &metadata, wait_ms))) return fail("%s", rd_kafka_err2str(error));
    int found = 0;
    for (int i = 0; i < metadata->topic_cnt; i++) found += strcmp(metadata->topics[i].topic, topic) == 0;
    rd_kafka_metadata_destroy(metadata);
    if (!found) return 1;
    pause_ms(100);
  }
  return fail("still listed");
}

static void kept_cases(rd_kafka_t *client) {
  const char *codecs[] = {"none", "gzip", "snappy", "lz4", "zstd"};
  for (int i = 0; i < 5; i++) check("produce and consume from the start, ", codecs[i], codec(client, i, codecs[i]));
  check("consume from an offset", "", consume(1, 77, 77, 77, record_count));
  check("consume from the end", "", from_end(client));
  for (int i = 0; i < 5; i++) check("consume from a time, ", codecs[i], from_time(client, i));
  check("idempotent producer", "", idempotent(client));
  check("an offset out of range", "", out_of_range());
}

int main(int argc, char **argv) {
  bootstrap = getenv("BOOTSTRAP");
  if (argc < 2 || !bootstrap) return 2;
  topic = argv[1];
  const char *config = getenv("TOPIC_CONFIG");
  int transient = config && strstr(config, "cms.durability=transient");
  first_timestamp_ms = (int64_t)time(NULL) * 1000 - 1000 * record_count;

  rd_kafka_t *client = open_client(RD_KAFKA_PRODUCER, rd_kafka_conf_new());
  check("create a topic", "", create(client, argv + 2));
  check("describe it", "", describe(client));
  if (transient)
    check("transient: a waiting consumer gets every record", "", from_end(client));
  else
    kept_cases(client);
  check("delete the topic", "", gone(client));
  rd_kafka_destroy(client);
  printf("%d passed, %d failed\n", passed, failed);
  return failed != 0;
}
