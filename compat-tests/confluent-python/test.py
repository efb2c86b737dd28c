# SPDX-License-Identifier: Apache-2.0
"""confluent-kafka, the Python client on librdkafka, against BOOTSTRAP."""

import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "lib"))

import cases
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka import TopicCollection
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic,
                                   OffsetSpec, ResourceType)

BOOTSTRAP = os.environ["BOOTSTRAP"]
WAIT_S = cases.WAIT_S


def one(futures):
    """The result of a call that was made for one thing."""
    (future,) = futures.values()
    return future.result(WAIT_S)


class Reader:
    def __init__(self, topic, partition, position):
        self.consumer = Consumer({
            "bootstrap.servers": BOOTSTRAP,
            "group.id": "unused",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "check.crcs": True,
        })
        offset = {"start": OFFSET_BEGINNING, "end": OFFSET_END}.get(position, position)
        self.consumer.assign([TopicPartition(topic, partition, offset)])
        if position == "end":
            self.wait_for_end()

    def wait_for_end(self):
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            message = self.consumer.poll(0.2)
            if message is not None and message.error() and message.error().code() == KafkaError._PARTITION_EOF:
                return
        raise TimeoutError("the end was not reached")

    def take(self, count, wait_s):
        taken = []
        deadline = time.monotonic() + wait_s
        while len(taken) < count and time.monotonic() < deadline:
            message = self.consumer.poll(0.1)
            if message is None:
                continue
            if message.error():
                if message.error().code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(message.error())
                continue
            record = cases.Record(message.key(), message.value(), message.headers() or [], message.timestamp()[1])
            taken.append((message.offset(), record))
        return taken

    def close(self):
        self.consumer.close()


class Confluent(cases.Adapter):
    name = "confluent-python"
    codecs = ["none", "gzip", "snappy", "lz4", "zstd"]
    idempotent = True
    reader = staticmethod(Reader)

    def __init__(self):
        self.admin = AdminClient({"bootstrap.servers": BOOTSTRAP})
        self.consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": "unused"})

    def create(self, topic, partitions, config):
        one(self.admin.create_topics([NewTopic(topic, partitions, 1, config=config)]))

    def describe(self, topic):
        found = self.admin.list_topics(topic, timeout=WAIT_S).topics[topic]
        if found.error:
            raise KafkaException(found.error)
        return {partition.id: partition.leader for partition in found.partitions.values()}

    def topics(self):
        return set(self.admin.list_topics(timeout=WAIT_S).topics)

    def config(self, topic):
        entries = one(self.admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]))
        return {name: entry.value for name, entry in entries.items()}

    def alter(self, topic, name, value):
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        one(self.admin.incremental_alter_configs([resource]))

    def grow(self, topic, partitions):
        one(self.admin.create_partitions([NewPartitions(topic, partitions)]))

    def delete_records(self, topic, partition, offset):
        return one(self.admin.delete_records([TopicPartition(topic, partition, offset)])).low_watermark

    def delete(self, topic):
        one(self.admin.delete_topics([topic]))

    def produce(self, topic, partition, records, codec="none", idempotent=False):
        producer = Producer({
            "bootstrap.servers": BOOTSTRAP,
            "acks": "all",
            "compression.type": codec,
            "enable.idempotence": idempotent,
            "linger.ms": 5,
            "batch.num.messages": 60,
            "message.timeout.ms": WAIT_S * 1000,
        })
        results = []
        for record in records:
            producer.produce(topic, record.value, record.key, partition, timestamp=record.timestamp_ms,
                             headers=record.headers, on_delivery=lambda *result: results.append(result))
        if producer.flush(WAIT_S):
            raise TimeoutError("not all records were acknowledged")
        for error, _ in results:
            if error:
                raise KafkaException(error)
        return [message.offset() for _, message in results]

    def watermarks(self, topic, partition):
        return self.consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=WAIT_S)

    def offset_at(self, topic, partition, time_ms):
        (found,) = self.consumer.offsets_for_times([TopicPartition(topic, partition, time_ms)], timeout=WAIT_S)
        if found.error:
            raise KafkaException(found.error)
        return None if found.offset < 0 else found.offset

    def extra_cases(self, topic):
        def cluster():
            result = self.admin.describe_cluster().result(WAIT_S)
            cases.expect(bool(result.cluster_id and result.controller and result.nodes), True, "id, controller, nodes")

        def topic_partitions():
            result = one(self.admin.describe_topics(TopicCollection([topic])))
            cases.expect(result.name, topic, "name")
            cases.expect(len(result.partitions), cases.PARTITIONS + 2, "partitions")

        def offsets():
            for spec in (OffsetSpec.earliest(), OffsetSpec.latest(), OffsetSpec.max_timestamp()):
                one(self.admin.list_offsets({TopicPartition(topic, 0): spec}))

        def replaced():
            resource = ConfigResource(ResourceType.TOPIC, topic, set_config={"max.message.bytes": "200000"})
            one(self.admin.alter_configs([resource]))

        return [("describe the cluster", cluster), ("describe the topic's partitions", topic_partitions),
                ("list offsets as administrator", offsets), ("replace the configuration", replaced)]


if __name__ == "__main__":
    sys.exit(cases.run(Confluent()))
