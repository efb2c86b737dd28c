# SPDX-License-Identifier: Apache-2.0
"""A file into a partition and back, for the main job:

    copy.py write TOPIC PARTITION FILE lines|chunks
    copy.py read TOPIC PARTITION COUNT FILE lines|chunks start|end

A record is a line without its end, or 10,000 bytes. A reader at the end prints "ready" when it waits there.
"""

import os
import sys
import time

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, Producer, TopicPartition

BOOTSTRAP = os.environ["BOOTSTRAP"]
CHUNK_BYTES = 10_000
WAIT_S = 60


def split(content, form):
    if form == "lines":
        return content.removesuffix(b"\n").split(b"\n")
    return [content[at:at + CHUNK_BYTES] for at in range(0, len(content), CHUNK_BYTES)]


def write(topic, partition, path, form):
    producer = Producer({"bootstrap.servers": BOOTSTRAP, "acks": "all", "compression.type": "zstd", "linger.ms": 5,
                         "message.timeout.ms": WAIT_S * 1000})
    failures = []
    with open(path, "rb") as source:
        for piece in split(source.read(), form):
            producer.produce(topic, piece, partition=int(partition),
                             on_delivery=lambda error, _: error and failures.append(error))
            producer.poll(0)
    if producer.flush(WAIT_S) or failures:
        raise RuntimeError(f"not all records were accepted: {failures[:1]}")


def read(topic, partition, count, path, form, start):
    consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": "unused", "enable.auto.commit": False,
                         "enable.partition.eof": True, "auto.offset.reset": "error"})
    position = OFFSET_END if start == "end" else OFFSET_BEGINNING
    consumer.assign([TopicPartition(topic, int(partition), position)])
    missing, ending = int(count), b"\n" if form == "lines" else b""
    deadline = time.monotonic() + WAIT_S
    with open(path, "wb") as target:
        while missing:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{missing} records missing")
            message = consumer.poll(0.5)
            if message is None:
                continue
            if not message.error():
                target.write(message.value() + ending)
                missing -= 1
            elif message.error().code() == KafkaError._PARTITION_EOF:
                print("ready", flush=True)
            else:
                raise KafkaException(message.error())
    consumer.close()


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](*sys.argv[2:])
