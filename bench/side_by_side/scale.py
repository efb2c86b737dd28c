# SPDX-License-Identifier: Apache-2.0
"""What becomes of the broker with many of a kind: partitions, connections, consumers, producers, segments; how soon it
starts; and what storage, channels and the heap take by themselves. Two sides run in turns. A goal that cannot be
measured leaves a reason instead of figures, and the others go on.

By itself, in bench/: python3 -m side_by_side.scale [GOAL...]"""
import contextlib
import glob
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading

from side_by_side import interval_log, limits, loads, systems

ROUNDS = 3
SECONDS = 1.5
VOLATILE = [word for config in limits.VOLATILE for word in ("-c", config)]
PROGRAM_TIMEOUT_SECONDS = 300
SEGMENT_BYTES = 3_000_000
SEGMENTS_RETAINED_BYTES = 64_000_000  # a consumer that is a second behind must still find what it has not read
ROLLS = 100
ALLOCATION_COUNT = "allocation_count.so"


class Absent(Exception):
    """Why there is no figure."""


def spread(values):
    return [statistics.median(values), min(values), max(values)]


def p99(run):
    return run["latency_us"]["end_to_end"]["p99"]


def acknowledged_p99(run):
    return run["latency_us"]["publish"]["p99"]


def received(run):
    return run["received_per_second"]


@contextlib.contextmanager
def broker(*settings, environment=None):
    """One of its own, with its directory; so no goal finds what another has left."""
    with tempfile.TemporaryDirectory(prefix="cms-scale-") as directory:
        data = os.path.join(directory, "data")
        try:
            system = systems.start_cms(data, *settings, environment=environment)
        except SystemExit as error:
            if isinstance(error.code, str):  # a number: somebody wants this program to end
                raise Absent(error.code) from error
            raise
        system.data = data
        try:
            yield system
        finally:
            system.stop()


def load(system, *arguments, seconds=SECONDS, warm_up=0.5):
    run = loads.run(system, loads.program_for("cms", system.address),
                    [*arguments, "--duration", str(seconds), "--warm-up", str(warm_up)])
    if run is None:
        raise Absent("cms bench failed")
    return run


def run_program(name, *arguments, placed=()):
    """In a process group of its own, so that what it has started ends with it. `placed`: see limits.Limits.run."""
    with subprocess.Popen([*placed, f"{systems.BIN}/{name}", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, start_new_session=True) as process:
        try:
            out, wrong = process.communicate(timeout=PROGRAM_TIMEOUT_SECONDS)
        except BaseException:
            os.killpg(process.pid, 9)
            raise
    if process.returncode != 0:
        raise Absent(f"{name} failed: {wrong.strip()[-200:]}")
    return out


def figures_of(name, *arguments, placed=()):
    """{(case, figure): what the program's --json says of it}"""
    with tempfile.TemporaryDirectory(prefix="cms-scale-") as directory:
        path = os.path.join(directory, "figures")
        run_program(name, *arguments, "--json", path, placed=placed)
        return {(line["case"], line["figure"]): line for line in limits.read_lines(path)}


def counters_of(name, pattern):
    """{benchmark: its counters}, of a program that Google Benchmark's main() runs."""
    told = json.loads(run_program(name, f"--benchmark_filter={pattern}", "--benchmark_format=json"))
    return {one["name"].split("/iterations:")[0]: one for one in told["benchmarks"]}


def in_turns(*sides):
    """What each side gave in each round; which goes first alternates."""
    taken = [[] for _ in sides]
    for number in range(ROUNDS):
        order = list(enumerate(sides))
        for index, side in order if number % 2 == 0 else reversed(order):
            taken[index].append(side())
    return taken


def ratios(of, runs, others):
    return spread([of(a) / of(b) for a, b in zip(runs, others)])


def partitions():
    """The rate with one record a request on both sides: among 10,000 partitions there is never a batch to fill, and
    several partitions in one request would be another work. At one rate the warm-up gives each partition its first."""
    with broker() as system:
        def fast(count):
            return lambda: load(system, *VOLATILE, "--partitions", count, "--rate", "0", "--batch-bytes", "1",
                                "--producers", "16", "--records-in-flight", "1")

        def steady(count):
            return lambda: load(system, *VOLATILE, "--partitions", count, "--rate", "10000", warm_up=1.5)
        many, one = in_turns(fast("10000"), fast("1"))
        many_steady, one_steady = in_turns(steady("10000"), steady("1"))
    return {"S1 rate": ratios(received, many, one), "S1 p99": ratios(p99, many_steady, one_steady)}


def connections():
    arguments = [*VOLATILE, "--rate", "5000"]
    with broker() as system:
        many, one = in_turns(
            lambda: load(system, *arguments, "--producers", "100", "--idle-connections", "9900"),
            lambda: load(system, *arguments))
    lost = sum(run["connections"]["idle_lost"] for run in many)
    if lost > 0:
        raise Absent(f"the broker closed {lost} idle connections")
    return {"S2 p99": ratios(p99, many, one)}


def consumers():
    """Sixty-four who read all of one partition, as much as goes, beside what a connection over the loopback takes; and
    what they do to produce."""
    with broker() as system:
        def raw():
            told = figures_of("kafka_latency", "--a", system.address, "--b", system.address, "--case", "stream",
                              "--rounds", "1", "--seconds", "0.3")
            return told[("raw tcp", "throughput MB/s")]["a"][0]

        def read_all():
            return load(system, *VOLATILE, "--subscriptions", "64", "--size", "16384", "--rate", "0",
                        "--records-in-flight", "100")

        def produce(subscriptions):
            return lambda: load(system, *VOLATILE, "--subscriptions", subscriptions, "--rate", "500")
        streams, raws = in_turns(read_all, raw)
        many, one = in_turns(produce("64"), produce("1"))
    return {"S3 egress": spread([run["received_megabytes_per_second"] / of_raw
                                 for run, of_raw in zip(streams, raws)]),
            "S3 p99": ratios(acknowledged_p99, many, one)}


def producers():
    with broker() as system:
        def side(count):
            return lambda: load(system, *VOLATILE, "--partitions", "4", "--rate", "5000", "--producers", count)
        few, fifty, many = in_turns(side("4"), side("50"), side("500"))
    return {"S4 50": ratios(p99, fifty, few), "S4 500": ratios(p99, many, few)}


class SegmentWatch:
    """Which segments there have been, and which have gone, seen in the files while a load runs."""

    def __init__(self, directory):
        self.directory, self.seen, self.gone = directory, set(), 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.ended.wait(0.02):
            now = set(glob.glob(os.path.join(self.directory, "topics/cms-bench-*/*/0/*.log")))
            self.seen |= now
            if now:  # none: the topic is not there yet, or not any more
                self.gone = max(self.gone, len(self.seen - now))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def segments():
    """The same load for twenty seconds, over which a hundred segments and more are begun and deleted."""
    with broker("log.retention.check.interval.ms=250") as system, tempfile.NamedTemporaryFile() as log:
        with SegmentWatch(system.data) as watch:
            load(system, "-c", "cms.durability=persistent", "-c", f"segment.bytes={SEGMENT_BYTES}",
                 "-c", f"retention.bytes={SEGMENTS_RETAINED_BYTES}", "-c", "file.delete.delay.ms=500",
                 "--rate", "20000", "--histogram-log", log.name, seconds=20, warm_up=1)
        intervals = interval_log.read(log.name)
    if len(watch.seen) <= ROLLS or watch.gone < ROLLS:
        raise Absent(f"only {len(watch.seen)} segments were seen, and {watch.gone} of them deleted")
    tenth = max(len(intervals) // 10, 1)
    ratio = interval_log.percentile(intervals[-tenth:], 99) / interval_log.percentile(intervals[:tenth], 99)
    return {"S5 p99": [ratio] * 3, "S5 rolls": [len(watch.seen) - 1] * 3, "S5 deletions": [watch.gone] * 3}


def persistence():
    with broker() as system:
        configs = [word for side, all_of in (("a", limits.PERSISTENT), ("b", limits.VOLATILE)) for one in all_of
                   for word in (f"--{side}-config", one)]
        with systems.placed([system], systems.APART) as placed:
            told = figures_of("kafka_latency", "--a", system.address, "--b", system.address, *configs, "--case", "ack1",
                              "--rounds", "9", "--seconds", "0.3", placed=placed)
    return {"L8 p50": told[("ack1", "p50 us")]["ratio"]}


def ratio_of(one):
    return [one["ratio"], one.get("ratio_low", one["ratio"]), one.get("ratio_high", one["ratio"])]


def storage():
    told = counters_of("storage_bench", "PersistUnsynced|RecoveryScan")
    return {"T5": ratio_of(told["PersistUnsynced"]), "T6 cold": ratio_of(told["RecoveryScan/0"]),
            "T6 cached": ratio_of(told["RecoveryScan/1"])}


def channels():
    told = counters_of("transport_bench", "Stream/.*in_turn:16")
    return {f"T7 {size}": ratio_of(told[f"Stream/bytes:{size}/in_turn:16"]) for size in (100, 1000, 10000)}


def read_count(path):
    with open(path, "rb") as file:
        return int.from_bytes(file.read(8), sys.byteorder)


def allocations():
    """Of the broker, a record that is a request of its own, with its share of a consumer's fetches."""
    arguments = [*VOLATILE, "--batch-bytes", "1", "--rate", "0", "--requests-in-flight", "16", "--size", "100"]
    with tempfile.TemporaryDirectory(prefix="cms-scale-") as directory:
        path = os.path.join(directory, "count")
        environment = {"LD_PRELOAD": os.path.join(systems.BIN, ALLOCATION_COUNT), "CMS_ALLOCATION_COUNT": path}
        with broker(environment=environment) as system:
            load(system, *arguments, seconds=1)
            each = []
            for _ in range(ROUNDS):
                before = read_count(path)
                run = load(system, *arguments)
                each.append((read_count(path) - before) / run["correctness"]["received"])
    return {"T12": spread(each)}


def starts():
    told = figures_of("start_latency", "--cmsd", f"{systems.BIN}/cmsd", "--rounds", str(ROUNDS))
    taken = {case: line["a"] for (case, figure), line in told.items() if figure == "first produce ms"}
    return {**{f"S6 {case}": value for case, value in taken.items() if case != "killed"},
            "S10": [ms / 1e3 for ms in taken["killed"]]}


GOALS = [
    ("L8", "persistent beside volatile", persistence),
    ("T5 T6", "storage alone", storage),
    ("T7", "channels alone", channels),
    ("T12", "heap allocations", allocations),
    ("S1", "10,000 partitions", partitions),
    ("S2", "10,000 connections", connections),
    ("S3", "64 consumers", consumers),
    ("S4", "500 producers", producers),
    ("S5", "100 segments rolled and deleted", segments),
    ("S6 S10", "starts", starts),
]


class Scale:
    """`figures[name]`: [median, low, high]; `absent[number of a goal]`: why it has none."""

    def __init__(self):
        self.figures, self.absent = {}, {}

    def measure(self, only=None):
        for numbers, what, of in GOALS:
            if only and not set(numbers.split()) & set(only):
                continue
            print(f"  {numbers}: {what}", flush=True)
            try:
                self.figures.update(of())
            except (Absent, OSError, KeyError, ValueError, ZeroDivisionError, subprocess.SubprocessError) as error:
                why = str(error) if isinstance(error, Absent) else repr(error)
                print(f"  {numbers}: left out: {why}", file=sys.stderr)
                self.absent.update({number: why for number in numbers.split()})

    def of(self, name):
        """[median, low, high], or None."""
        return self.figures.get(name)

    def why_absent(self, number):
        return self.absent.get(number)

    def as_json(self):
        return {"figures": self.figures, "absent": self.absent}


if __name__ == "__main__":
    measured = Scale()
    measured.measure(sys.argv[1:])
    for name, value in measured.figures.items():
        print(f"{name:14} {value[0]:.3g} [{value[1]:.3g}..{value[2]:.3g}]")
