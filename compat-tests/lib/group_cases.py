# SPDX-License-Identifier: Apache-2.0
"""What a group of consumers goes through with each Python client. A client's group.py gives an adapter (see
GroupAdapter) and calls run()."""

import os
import threading
import time
import traceback

PARTITIONS = 6
ROUND = 30  # records a partition and round
WAIT_S = 60


class GroupAdapter:
    """What a client must offer. Errors are exceptions; every call is bounded in time.

    name: client name; protocols: those of groups that it speaks, of "classic" and "consumer".
    """

    protocols = ("classic",)

    def create(self, topic, partitions): ...
    def delete(self, topic): ...
    def produce(self, topic, partition, values): """Returns when all are acknowledged."""
    def committed(self, group, topic): """Returns the sum of the offsets committed."""
    def consumer(self, group, topic, protocol):
        """A subscribed consumer that begins at the start, used by one thread, which makes it.

        poll(wait_s) returns a list of pairs (partition, value); commit() commits what was polled; owned() is the set of
        partitions; close() leaves the group.
        """


class Member:
    """A consumer with a thread of its own, which commits whatever it has read."""

    def __init__(self, adapter, group, topic, protocol):
        self.read = []
        self.owned = set()
        self.error = None
        self.leaving = False
        self.thread = threading.Thread(target=self.work, args=(adapter, group, topic, protocol), daemon=True)
        self.thread.start()

    def work(self, adapter, group, topic, protocol):
        try:
            consumer = adapter.consumer(group, topic, protocol)
            while not self.leaving:
                records = consumer.poll(0.1)
                self.owned = set(consumer.owned())
                self.read += records
                if records:
                    self.commit(consumer)
            self.owned = set()
            consumer.close()
        except Exception as error:
            self.error = error
            if os.environ.get("COMPAT_TRACE"):
                traceback.print_exc()

    def commit(self, consumer):
        """During a rebalance a commit may be refused; what was not committed is read again by its next owner."""
        try:
            consumer.commit()
        except Exception as error:
            print(f"# commit: {error}", flush=True)

    def leave(self):
        self.leaving = True
        self.thread.join(WAIT_S)
        if self.thread.is_alive():
            raise AssertionError(f"a member has not left after {WAIT_S} s")
        if self.error:
            raise self.error


class GroupCases:
    def __init__(self, adapter, protocol):
        self.adapter = adapter
        self.protocol = protocol
        self.topic = f"compat-group-{adapter.name}-{protocol}-{int(time.time())}-{os.getpid()}"
        self.group = self.topic
        self.produced = set()
        self.members = []

    def join(self):
        self.members.append(Member(self.adapter, self.group, self.topic, self.protocol))
        return self.members[-1]

    def produce(self):
        first = len(self.produced) // PARTITIONS
        for partition in range(PARTITIONS):
            values = [f"{partition}-{number}" for number in range(first, first + ROUND)]
            self.adapter.produce(self.topic, partition, values)
            self.produced |= {(partition, value) for value in values}

    def wait_for(self, what, condition):
        deadline = time.monotonic() + WAIT_S
        while not condition():
            for member in self.members:
                if member.error:
                    raise member.error
            if time.monotonic() > deadline:
                shown = [(sorted(member.owned), len(member.read)) for member in self.members]
                raise AssertionError(f"not within {WAIT_S} s: {what}; owned and read: {shown}")
            time.sleep(0.02)

    def all_read(self):
        return {record for member in self.members for record in member.read} == self.produced

    def in_order(self):
        """Each member has read each partition in order; a record read again, where it was not committed, is no fault."""
        for member in self.members:
            seen = set()
            last = {}
            for partition, value in member.read:
                number = int(value.split("-")[1])
                if value not in seen and number < last.get(partition, -1):
                    raise AssertionError(f"{value} after {last[partition]}")
                seen.add(value)
                last[partition] = number

    def create(self):
        self.adapter.create(self.topic, PARTITIONS)
        self.produce()

    def one(self):
        member = self.join()
        self.wait_for("one member reads all", lambda: self.all_read() and len(member.owned) == PARTITIONS)

    def two(self):
        one = self.members[0]
        other = self.join()
        half = PARTITIONS // 2
        self.wait_for("each has half of the partitions", lambda: len(one.owned) == len(other.owned) == half
                      and not one.owned & other.owned)
        self.produce()
        self.wait_for("both read", self.all_read)
        if not other.read:
            raise AssertionError("the second member has read nothing")

    def leave(self):
        self.members[1].leave()
        self.wait_for("the first takes over", lambda: len(self.members[0].owned) == PARTITIONS)
        self.produce()
        self.wait_for("it reads all", self.all_read)
        self.in_order()

    def survive(self):
        self.members[0].leave()
        committed = self.adapter.committed(self.group, self.topic)
        if committed != len(self.produced):
            raise AssertionError(f"{committed} committed of {len(self.produced)}")
        before = set(self.produced)
        self.produce()
        successor = self.join()
        self.wait_for("a successor reads the rest", self.all_read)
        if set(successor.read) & before:
            raise AssertionError("the successor has read what was committed")
        successor.leave()

    def run(self):
        """Each case rests on the one before: the first that fails is the last."""
        steps = [("one member reads all", self.one), ("a second member gets half", self.two),
                 ("one leaves, the other takes over", self.leave), ("offsets survive the group", self.survive)]
        passed = 0
        try:
            self.create()
            for name, step in steps:
                step()
                passed += 1
                print(f"ok - {self.protocol} group: {name}", flush=True)
            self.adapter.delete(self.topic)
            return passed, 0
        except Exception as error:  # any failure of a client is the case's failure
            name = steps[min(passed, len(steps) - 1)][0]
            why = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"not ok - {self.protocol} group: {name}: {why[:600]}", flush=True)
            if os.environ.get("COMPAT_TRACE"):
                traceback.print_exc()
            return passed, 1
        finally:
            for member in self.members:
                member.leaving = True


def run(adapter):
    results = [GroupCases(adapter, protocol).run() for protocol in adapter.protocols]
    passed, failed = (sum(column) for column in zip(*results))
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0
