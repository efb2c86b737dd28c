// SPDX-License-Identifier: Apache-2.0
// Creates and deletes topics for the clients that cannot (kcat):
//
//   topic BOOTSTRAP create NAME PARTITIONS [name=value ...]
//   topic BOOTSTRAP delete NAME
//
// Exit code 0, or 1 with the broker's error on standard error.
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { timeout_ms = 15000 };

static int fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  return 1;
}

static int create(rd_kafka_t *client, rd_kafka_queue_t *queue, const char *name, int partitions, char **configs) {
  char error[512];
  rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions, 1, error, sizeof error);
  if (!topic) return fail("create", error);
  for (; *configs; configs++) {
    char *value = strchr(*configs, '=');
    if (!value) return fail("not name=value", *configs);
    *value++ = 0;
    if (rd_kafka_NewTopic_set_config(topic, *configs, value)) return fail("config", *configs);
  }
  rd_kafka_CreateTopics(client, &topic, 1, NULL, queue);
  rd_kafka_NewTopic_destroy(topic);
  rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms);
  if (!event) return fail("create", "no answer");
  if (rd_kafka_event_error(event)) return fail("create", rd_kafka_event_error_string(event));
  size_t count;
  const rd_kafka_topic_result_t **results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
  if (count != 1) return fail("create", "not one result");
  if (rd_kafka_topic_result_error(results[0])) {
    const char *why = rd_kafka_topic_result_error_string(results[0]);
    return fail("create", why ? why : rd_kafka_err2str(rd_kafka_topic_result_error(results[0])));
  }
  rd_kafka_event_destroy(event);
  return 0;
}

static int delete(rd_kafka_t *client, rd_kafka_queue_t *queue, const char *name) {
  rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(name);
  rd_kafka_DeleteTopics(client, &topic, 1, NULL, queue);
  rd_kafka_DeleteTopic_destroy(topic);
  rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms);
  if (!event) return fail("delete", "no answer");
  if (rd_kafka_event_error(event)) return fail("delete", rd_kafka_event_error_string(event));
  size_t count;
  const rd_kafka_topic_result_t **results =
      rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
  if (count != 1) return fail("delete", "not one result");
  if (rd_kafka_topic_result_error(results[0]))
    return fail("delete", rd_kafka_err2str(rd_kafka_topic_result_error(results[0])));
  rd_kafka_event_destroy(event);
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 4) return fail("usage", "topic BOOTSTRAP create NAME PARTITIONS [name=value ...] | delete NAME");
  char error[512];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  if (rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], error, sizeof error)) return fail("conf", error);
  rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
  if (!client) return fail("client", error);
  rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
  int status;
  if (strcmp(argv[2], "create") == 0 && argc > 4)
    status = create(client, queue, argv[3], atoi(argv[4]), argv + 5);
  else
    status = delete (client, queue, argv[3]);
  rd_kafka_queue_destroy(queue);
  rd_kafka_destroy(client);
  return status;
}
