# SPDX-License-Identifier: Apache-2.0
"""The measurements beside a floor, a raw limit or Kafka, one record at a time or in batches: kafka_latency and
push_latency alternate between the two sides themselves. Their figures are kept by run, case and figure."""
import json
import os
import subprocess
import sys
import tempfile

from side_by_side import systems

VOLATILE = ["cms.durability=volatile", "retention.bytes=33554432"]
PERSISTENT = ["cms.durability=persistent"]
SYNCED = ["flush.messages=1"]
PLACES = {"together": systems.TOGETHER, "apart": systems.APART}


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


class Limits:
    """`figures[(run, case, figure)]`: {"a": [median, low, high], "b": ..., "ratio": ...}, as the programs say."""

    def __init__(self, rounds, seconds):
        self.rounds, self.seconds, self.figures = rounds, seconds, {}

    def run(self, name, program, *arguments, placed=()):
        """Once more if it fails: one answer that was not as expected should not take a table's rows with it. `placed`
        is the command that puts it on its processors."""
        print(f"  {name}", flush=True)
        if not any(self.run_once(name, [*placed, f"{systems.BIN}/{program}"], arguments) for _ in range(2)):
            print(f"  {name}: left out", file=sys.stderr)

    def run_once(self, name, command, arguments):
        with tempfile.TemporaryDirectory(prefix="cms-limits-") as directory:
            path = os.path.join(directory, "figures")
            done = subprocess.run([*command, "--rounds", str(self.rounds), "--seconds", str(self.seconds), "--json",
                                   path, *arguments], stdout=subprocess.DEVNULL, check=False, timeout=600)
            if done.returncode != 0 or not os.path.exists(path):
                print(f"  {name}: {os.path.basename(command[-1])} failed", file=sys.stderr)
                return False
            for line in read_lines(path):
                self.figures[(name, line["case"], line["figure"])] = line
            return True

    def kafka_latency(self, name, a, b, configs_a, configs_b, cases, *more, placed=()):
        configs = [word for side, all_of in (("a", configs_a), ("b", configs_b)) for one in all_of
                   for word in (f"--{side}-config", one)]
        self.run(name, "kafka_latency", "--a", a.address, "--pid-a", str(a.pid), "--b", b.address, "--pid-b",
                 str(b.pid), *configs, "--case", cases, *more, placed=placed)

    def measure(self, cms, kafka, floor, directory):
        if floor is not None:
            self.kafka_latency("floor", cms, floor, VOLATILE, [], "ack1,parked,pipelined,batch100,batch1k")
            if os.geteuid() == 0:
                self.kafka_latency("counted", cms, floor, VOLATILE, [], "pipelined", "--system-calls")
        for name, processors in PLACES.items():
            self.measure_placed(name, processors, cms, floor)
        self.kafka_latency("kafka", cms, kafka, VOLATILE, [], "parked,pipelined,batch100")
        self.kafka_latency("streams", cms, kafka, VOLATILE[:1], [], "stream")
        self.kafka_latency("synced", cms, kafka, PERSISTENT, SYNCED, "ackall,producers", "--disk", directory)
        self.run("push asleep", "push_latency", "--broker", cms.address, "--pid", str(cms.pid), "--size", "100")

    def measure_placed(self, name, processors, cms, floor):
        """One at a time, where each wake is of the same kind: left to itself the kernel puts both ends on one processor in
        one round and apart in the next, which makes tenfold differences of its own."""
        with systems.placed([cms, floor] if floor else [cms], processors) as placed:
            if floor is not None:
                self.kafka_latency(f"floor {name}", cms, floor, VOLATILE, [], "ack1,parked,pipelined",
                                   placed=placed)
            self.run(f"push {name}", "push_latency", "--broker", cms.address, "--pid", str(cms.pid), "--size", "100",
                     "--subscribers", "0", "--echo-processor", str(min(processors[0])), placed=placed)

    def measure_spinning(self, cms):
        """Against a broker that looks for work instead of sleeping."""
        self.run("push spinning", "push_latency", "--broker", cms.address, "--pid", str(cms.pid), "--spin",
                 "--channel", "shm", "--channel", "in-place", "--subscribers", "0")

    def measure_within_budget(self, cms, budget_us):
        """Against a broker that looks that long before it sleeps, as the client does."""
        self.run("push within budget", "push_latency", "--broker", cms.address, "--pid", str(cms.pid), "--spin",
                 "--spin-us", str(budget_us), "--channel", "shm", "--size", "100", "--subscribers", "0")

    def of(self, run, case, figure, side="ratio"):
        """[median, low, high], or None."""
        return self.figures.get((run, case, figure), {}).get(side)

    def as_json(self):
        return [{"run": key[0], **value} for key, value in self.figures.items()]
