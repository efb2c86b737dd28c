# SPDX-License-Identifier: Apache-2.0
"""Groups of kafka-python against BOOTSTRAP."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "lib"))

import group_cases
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

BOOTSTRAP = os.environ["BOOTSTRAP"]


class GroupConsumer:
    def __init__(self, group, topic, protocol):
        self.consumer = KafkaConsumer(
            topic, bootstrap_servers=BOOTSTRAP, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest")

    def poll(self, wait_s):
        return [(message.partition, message.value.decode())
                for messages in self.consumer.poll(timeout_ms=int(wait_s * 1000)).values() for message in messages]

    def commit(self):
        self.consumer.commit()

    def owned(self):
        return {where.partition for where in self.consumer.assignment()}

    def close(self):
        self.consumer.close()


class KafkaPython(group_cases.GroupAdapter):
    name = "kafka-python"
    consumer = staticmethod(GroupConsumer)

    def __init__(self):
        self.admin = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)
        self.producer = KafkaProducer(bootstrap_servers=BOOTSTRAP)

    def create(self, topic, partitions):
        self.admin.create_topics([NewTopic(topic, partitions, 1)])

    def delete(self, topic):
        self.admin.delete_topics([topic])

    def produce(self, topic, partition, values):
        sent = [self.producer.send(topic, value.encode(), partition=partition) for value in values]
        for future in sent:
            future.get(timeout=group_cases.WAIT_S)

    def committed(self, group, topic):
        found = self.admin.list_group_offsets([group])[group]
        return sum(offset.offset for where, offset in found.items() if where.topic == topic)


if __name__ == "__main__":
    sys.exit(group_cases.run(KafkaPython()))
