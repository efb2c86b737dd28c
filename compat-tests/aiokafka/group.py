# SPDX-License-Identifier: Apache-2.0
"""Groups of aiokafka, the client on asyncio, against BOOTSTRAP."""

import asyncio
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "lib"))

import group_cases
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

BOOTSTRAP = os.environ["BOOTSTRAP"]
WAIT_S = group_cases.WAIT_S


class GroupConsumer:
    """Has an event loop of its own, which runs while a call does: heartbeats as well."""

    def __init__(self, group, topic, protocol):
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self.start(group, topic))

    async def start(self, group, topic):
        self.consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=BOOTSTRAP, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest")
        # Returns when the group has given it partitions.
        await self.consumer.start()

    def poll(self, wait_s):
        found = self.loop.run_until_complete(self.consumer.getmany(timeout_ms=int(wait_s * 1000)))
        return [(message.partition, message.value.decode()) for messages in found.values() for message in messages]

    def commit(self):
        self.loop.run_until_complete(self.consumer.commit())

    def owned(self):
        return {where.partition for where in self.consumer.assignment()}

    def close(self):
        self.loop.run_until_complete(self.consumer.stop())
        self.loop.close()


class AioKafka(group_cases.GroupAdapter):
    name = "aiokafka"
    consumer = staticmethod(GroupConsumer)

    def with_admin(self, use):
        async def call():
            admin = AIOKafkaAdminClient(bootstrap_servers=BOOTSTRAP)
            await admin.start()
            try:
                return await use(admin)
            finally:
                await admin.close()

        return asyncio.run(asyncio.wait_for(call(), WAIT_S))

    def create(self, topic, partitions):
        self.with_admin(lambda admin: admin.create_topics([NewTopic(topic, partitions, 1)]))

    def delete(self, topic):
        self.with_admin(lambda admin: admin.delete_topics([topic]))

    def produce(self, topic, partition, values):
        async def send():
            async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, enable_idempotence=True) as producer:
                sent = [await producer.send(topic, value.encode(), partition=partition) for value in values]
                await asyncio.gather(*sent)

        asyncio.run(asyncio.wait_for(send(), WAIT_S))

    def committed(self, group, topic):
        found = self.with_admin(lambda admin: admin.list_consumer_group_offsets(group))
        return sum(offset.offset for where, offset in found.items() if where.topic == topic)


if __name__ == "__main__":
    sys.exit(group_cases.run(AioKafka()))
