# SPDX-License-Identifier: Apache-2.0
"""kafka-python, the client written in Python, against BOOTSTRAP."""

import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "lib"))

import cases
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic

BOOTSTRAP = os.environ["BOOTSTRAP"]
WAIT_S = cases.WAIT_S


class Reader:
    def __init__(self, topic, partition, position):
        self.consumer = KafkaConsumer(
            bootstrap_servers=BOOTSTRAP, group_id=None, enable_auto_commit=False, auto_offset_reset="none",
            check_crcs=True)
        where = TopicPartition(topic, partition)
        self.consumer.assign([where])
        if position == "start":
            self.consumer.seek_to_beginning(where)
        elif position == "end":
            self.consumer.seek_to_end(where)
        else:
            self.consumer.seek(where, position)
        self.consumer.position(where, timeout_ms=WAIT_S * 1000)

    def take(self, count, wait_s):
        taken = []
        deadline = time.monotonic() + wait_s
        while len(taken) < count and time.monotonic() < deadline:
            for messages in self.consumer.poll(timeout_ms=100, max_records=count - len(taken)).values():
                for message in messages:
                    record = cases.Record(message.key, message.value, list(message.headers), message.timestamp)
                    taken.append((message.offset, record))
        return taken

    def close(self):
        self.consumer.close()


class KafkaPython(cases.Adapter):
    name = "kafka-python"
    codecs = ["none", "gzip", "snappy", "lz4", "zstd"]
    idempotent = True
    sends_nulls = False
    reader = staticmethod(Reader)

    def __init__(self):
        self.admin = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)
        self.consumer = KafkaConsumer(bootstrap_servers=BOOTSTRAP, group_id=None)

    def create(self, topic, partitions, config):
        self.admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=config)])

    def describe(self, topic):
        (found,) = self.admin.describe_topics([topic])
        cases.expect(found["error_code"], 0, "error code")
        return {partition["partition_index"]: partition["leader_id"] for partition in found["partitions"]}

    def topics(self):
        return set(self.admin.list_topics())

    def config(self, topic):
        found = self.admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
        return {name: entry["value"] for name, entry in found["topic"][topic].items()}

    def alter(self, topic, name, value):
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, {name: value})
        self.admin.alter_configs([resource], incremental=True)

    def grow(self, topic, partitions):
        self.admin.create_partitions({topic: partitions})

    def delete_records(self, topic, partition, offset):
        where = TopicPartition(topic, partition)
        return self.admin.delete_records({where: offset}, timeout_ms=WAIT_S * 1000)[where]["low_watermark"]

    def delete(self, topic):
        self.admin.delete_topics([topic])

    def produce(self, topic, partition, records, codec="none", idempotent=False):
        producer = KafkaProducer(
            bootstrap_servers=BOOTSTRAP, acks="all", compression_type=None if codec == "none" else codec,
            enable_idempotence=idempotent, linger_ms=5, batch_size=30000, request_timeout_ms=WAIT_S * 1000)
        try:
            futures = [
                producer.send(topic, record.value, record.key, record.headers, partition, record.timestamp_ms)
                for record in records
            ]
            producer.flush(timeout=WAIT_S)
            return [future.get(timeout=WAIT_S).offset for future in futures]
        finally:
            producer.close(timeout=WAIT_S)

    def watermarks(self, topic, partition):
        where = TopicPartition(topic, partition)
        return self.consumer.beginning_offsets([where])[where], self.consumer.end_offsets([where])[where]

    def offset_at(self, topic, partition, time_ms):
        where = TopicPartition(topic, partition)
        found = self.consumer.offsets_for_times({where: time_ms})[where]
        return found and found.offset

    def extra_cases(self, topic):
        def cluster():
            found = self.admin.describe_cluster()
            cases.expect(bool(found["cluster_id"] and found["brokers"]), True, "cluster id and brokers")

        def log_dirs():
            cases.expect(topic in str(self.admin.describe_log_dirs()), True, "the topic in the log directories")

        def topic_partitions():
            found = self.admin.describe_topic_partitions([topic])
            cases.expect(topic in str(found), True, "the topic in the answer")

        def replaced():
            resource = ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": "200000"})
            self.admin.alter_configs([resource], incremental=False)

        return [("describe the cluster", cluster), ("describe the log directories", log_dirs),
                ("describe the topic's partitions", topic_partitions), ("replace the configuration", replaced)]


if __name__ == "__main__":
    sys.exit(cases.run(KafkaPython()))
