# SPDX-License-Identifier: Apache-2.0
"""The cases both Python clients go through. A client's test.py gives an adapter (see Adapter) and calls run()."""

import os
import random
import time
import traceback
from typing import NamedTuple, Optional

RECORDS = 200
PARTITIONS = 6
SPARE = 5  # the partition without a codec of its own
WAIT_S = 15


class Record(NamedTuple):
    key: Optional[bytes]
    value: Optional[bytes]
    headers: list  # of (name, bytes or None)
    timestamp_ms: int


class Adapter:
    """What a client must offer. Errors are exceptions; every call is bounded in time.

    name: client name; codecs: those it has; idempotent: whether it has an idempotent producer; sends_nulls: whether
    it can send a header without value and a record with neither key nor value.
    """

    sends_nulls = True

    def create(self, topic, partitions, config): ...
    def describe(self, topic): """Returns {partition: leader}, or None for an unknown topic."""
    def topics(self): """Returns the set of all topic names."""
    def config(self, topic): """Returns {name: value as text} of everything configured."""
    def alter(self, topic, name, value): """Sets one configuration incrementally."""
    def grow(self, topic, partitions): ...
    def delete_records(self, topic, partition, offset): """Returns the new low watermark."""
    def delete(self, topic): ...
    def produce(self, topic, partition, records, codec="none", idempotent=False): """Returns the offsets."""
    def watermarks(self, topic, partition): """Returns (log start, high watermark)."""
    def offset_at(self, topic, partition, time_ms): """Returns the offset, or None if there is none."""
    def extra_cases(self, topic): """Returns further cases of this client, pairs (name, function)."""
    def reader(self, topic, partition, position):
        """A consumer assigned by hand at an offset, "start" or "end", positioned when this returns.

        take(count, wait_s) returns at most count pairs (offset, Record); fewer only when the wait is over.
        close() ends it.
        """


def make_record(index, first_timestamp_ms, sends_nulls):
    source = random.Random(index)
    size = index * 37 % 3000
    value = source.randbytes(size // 4) * 4
    if index % 10 == 3:
        value = None
    elif index % 10 == 4:
        value = b""
    key = None if index % 7 == 0 else b"" if index % 7 == 1 else f"key-{index}".encode()
    if key is None and value is None and not sends_nulls:
        key = b"alone"
    headers = [("name", f"header of {index}".encode()), ("name", b""), ("binary", bytes([0, 255, 10, 13]))]
    if index % 5 == 0 and sends_nulls:
        headers = [("null", None)] + headers
    if index % 11 == 0:
        headers = []
    return Record(key, value, headers, first_timestamp_ms + 1000 * index)


def expect(actual, wanted, what):
    if actual != wanted:
        raise AssertionError(f"{what}: {str(actual)[:200]} instead of {str(wanted)[:200]}")


class Cases:
    def __init__(self, adapter):
        self.adapter = adapter
        self.config = dict(pair.split("=", 1) for pair in os.environ.get("TOPIC_CONFIG", "").split())
        self.transient = self.config.get("cms.durability") == "transient"
        self.topic = f"compat-{adapter.name}-{int(time.time())}-{os.getpid()}"
        self.start_ms = int(time.time()) * 1000 - 1000 * RECORDS
        self.records = [make_record(i, self.start_ms, adapter.sends_nulls) for i in range(RECORDS)]
        self.passed = self.failed = 0

    def check(self, name, case, *arguments):
        try:
            case(*arguments)
        except Exception as error:  # any failure of a client is the case's failure
            self.failed += 1
            why = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"not ok - {name}: {why[:600]}", flush=True)
            if os.environ.get("COMPAT_TRACE"):
                traceback.print_exc()
        else:
            self.passed += 1
            print(f"ok - {name}", flush=True)

    # ---- helpers

    def read(self, partition, position, records, first_offset, more=0):
        """Reads exactly these records from there, then nothing for `more` seconds."""
        reader = self.adapter.reader(self.topic, partition, position)
        try:
            self.take(reader, records, first_offset)
            if more:
                expect(reader.take(1, more), [], "records after the last")
        finally:
            reader.close()

    def take(self, reader, records, first_offset):
        got = reader.take(len(records), WAIT_S)
        expect(len(got), len(records), "records read")
        for i, (offset, record) in enumerate(got):
            expect(offset, first_offset + i, "offset")
            expect(record, records[i], f"record at offset {offset}")

    def refused(self, what, call, *arguments):
        try:
            call(*arguments)
        except Exception:
            return
        raise AssertionError(f"{what} was accepted")

    # ---- cases

    def create(self):
        self.adapter.create(self.topic, PARTITIONS, self.config)
        self.wait_for(lambda: self.topic in self.adapter.topics(), "the topic listed")

    def create_refused(self):
        self.refused("a topic that exists", self.adapter.create, self.topic, PARTITIONS, {})
        self.refused("a bad name", self.adapter.create, "not a name!", 1, {})
        self.refused("an unknown configuration", self.adapter.create, self.topic + "-x", 1, {"no.such.name": "1"})
        self.refused("a bad configuration", self.adapter.create, self.topic + "-x", 1, {"retention.ms": "soon"})
        expect(self.topic + "-x" in self.adapter.topics(), False, "a refused topic exists")

    def describe(self):
        leaders = self.adapter.describe(self.topic)
        expect(sorted(leaders), list(range(PARTITIONS)), "partitions")
        expect(all(leader >= 0 for leader in leaders.values()), True, "every partition has a leader")

    def configuration(self):
        shown = self.adapter.config(self.topic)
        for name, value in self.config.items():
            expect(shown.get(name), value, name)
        expect(shown.get("segment.bytes"), "1073741824", "segment.bytes by default")
        self.adapter.alter(self.topic, "retention.ms", "86400000")
        self.wait_for(lambda: self.adapter.config(self.topic).get("retention.ms") == "86400000", "retention.ms altered")

    def codec(self, partition, codec):
        offsets = self.adapter.produce(self.topic, partition, self.records, codec)
        expect(offsets, list(range(RECORDS)), "acknowledged offsets")
        expect(self.adapter.watermarks(self.topic, partition), (0, RECORDS), "watermarks")
        self.read(partition, "start", self.records, 0)

    def large(self):
        records = [Record(b"large", random.Random(i).randbytes(900_000 - i), [], self.start_ms) for i in range(3)]
        first = self.adapter.produce(self.topic, SPARE, records)[0]
        self.read(SPARE, first, records, first)

    def from_offset(self):
        self.read(0, 123, self.records[123:], 123, more=0.5)

    def from_time(self, partition):
        for index in (0, 1, 99, RECORDS - 1):
            exact = self.start_ms + 1000 * index
            expect(self.adapter.offset_at(self.topic, partition, exact), index, "the offset at a time")
            expect(self.adapter.offset_at(self.topic, partition, exact - 500), index, "the offset between two times")
        expect(self.adapter.offset_at(self.topic, partition, self.start_ms + 1000 * RECORDS), None, "after the last")
        offset = self.adapter.offset_at(self.topic, partition, self.start_ms + 1000 * 150)
        self.read(partition, offset, self.records[150:], 150)

    def from_end(self):
        """A waiting consumer gets every record: one at a time, then all codecs."""
        end = self.adapter.watermarks(self.topic, SPARE)[1]
        reader = self.adapter.reader(self.topic, SPARE, "end")
        try:
            expect(reader.take(1, 0.5), [], "records at the end")
            for record in self.records[:5]:
                expect(self.adapter.produce(self.topic, SPARE, [record]), [end], "acknowledged offset")
                self.take(reader, [record], end)
                end += 1
            for codec in self.adapter.codecs:
                self.adapter.produce(self.topic, SPARE, self.records, codec)
                self.take(reader, self.records, end)
                end += RECORDS
        finally:
            reader.close()

    def idempotent(self):
        first = self.adapter.watermarks(self.topic, SPARE)[1]
        offsets = self.adapter.produce(self.topic, SPARE, self.records, "lz4", True)
        expect(offsets, list(range(first, first + RECORDS)), "acknowledged offsets")
        self.read(SPARE, first, self.records, first, more=0.5)

    def delete_records(self):
        expect(self.adapter.delete_records(self.topic, 1, 60), 60, "low watermark answered")
        expect(self.adapter.watermarks(self.topic, 1), (60, RECORDS), "watermarks")
        self.read(1, "start", self.records[60:], 60)

    def grow(self):
        self.refused("fewer partitions", self.adapter.grow, self.topic, PARTITIONS - 1)
        self.adapter.grow(self.topic, PARTITIONS + 2)
        self.wait_for(lambda: len(self.adapter.describe(self.topic)) == PARTITIONS + 2, "new partitions shown")

    def delete(self):
        self.adapter.delete(self.topic)
        self.wait_for(lambda: self.topic not in self.adapter.topics(), "the topic gone")

    def wait_for(self, condition, what):
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            if condition():
                return
            time.sleep(0.1)
        raise AssertionError(f"not within {WAIT_S} s: {what}")

    def run(self):
        self.check("create a topic", self.create)
        self.check("creations that are refused", self.create_refused)
        self.check("describe it", self.describe)
        self.check("show and alter its configuration", self.configuration)
        if self.transient:
            self.check("transient: a waiting consumer gets every record", self.from_end)
        else:
            for partition, codec in enumerate(self.adapter.codecs):
                self.check(f"produce and consume from the start, {codec}", self.codec, partition, codec)
            self.check("records of nearly a megabyte", self.large)
            self.check("consume from an offset", self.from_offset)
            for partition, codec in enumerate(self.adapter.codecs):
                self.check(f"consume from a time, {codec}", self.from_time, partition)
            self.check("consume from the end", self.from_end)
            if self.adapter.idempotent:
                self.check("idempotent producer", self.idempotent)
            self.check("delete records", self.delete_records)
        self.check("more partitions", self.grow)
        for name, case in self.adapter.extra_cases(self.topic):
            self.check(name, case)
        self.check("delete the topic", self.delete)
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed else 0


def run(adapter):
    return Cases(adapter).run()
