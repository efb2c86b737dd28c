# SPDX-License-Identifier: Apache-2.0
"""Groups of confluent-kafka, on both protocols, against BOOTSTRAP."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "lib"))

import group_cases
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

BOOTSTRAP = os.environ["BOOTSTRAP"]
WAIT_S = group_cases.WAIT_S


def one(futures):
    """The result of a call that was made for one thing."""
    (future,) = futures.values()
    return future.result(WAIT_S)


class GroupConsumer:
    def __init__(self, group, topic, protocol):
        config = {"bootstrap.servers": BOOTSTRAP, "group.id": group, "group.protocol": protocol,
                  "enable.auto.commit": False, "auto.offset.reset": "earliest"}
        if protocol == "classic":
            config["partition.assignment.strategy"] = "cooperative-sticky"
        self.consumer = Consumer(config)
        self.consumer.subscribe([topic])

    def poll(self, wait_s):
        records = []
        for message in self.consumer.consume(50, wait_s):
            if message.error() is None:
                records.append((message.partition(), message.value().decode()))
            elif message.error().code() != KafkaError._PARTITION_EOF:
                raise KafkaException(message.error())
        return records

    def commit(self):
        self.consumer.commit(asynchronous=False)

    def owned(self):
        return {partition.partition for partition in self.consumer.assignment()}

    def close(self):
        self.consumer.close()


class ConfluentKafka(group_cases.GroupAdapter):
    name = "confluent-kafka"
    protocols = ("classic", "consumer")
    consumer = staticmethod(GroupConsumer)

    def __init__(self):
        self.admin = AdminClient({"bootstrap.servers": BOOTSTRAP})
        self.producer = Producer({"bootstrap.servers": BOOTSTRAP})

    def create(self, topic, partitions):
        one(self.admin.create_topics([NewTopic(topic, partitions, 1)]))

    def delete(self, topic):
        one(self.admin.delete_topics([topic]))

    def produce(self, topic, partition, values):
        for value in values:
            self.producer.produce(topic, value, partition=partition)
        if self.producer.flush(WAIT_S) != 0:
            raise TimeoutError("not all was acknowledged")

    def committed(self, group, topic):
        asked = self.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
        return sum(found.offset for found in one(asked).topic_partitions if found.topic == topic)


if __name__ == "__main__":
    sys.exit(group_cases.run(ConfluentKafka()))
