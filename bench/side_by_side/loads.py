# SPDX-License-Identifier: Apache-2.0
"""The systems under the loads of cms bench: what each is told, the shapes, and one run of one of them."""
import json
import subprocess

from side_by_side import limits, systems

ROOMY = ["cms.durability=volatile", "retention.bytes=134217728"]  # for records of up to 1 MB

# Which server, what its load generator is told, how the topics are configured.
SYSTEMS = {
    "cms volatile": ("cms", ["--acks", "1"], limits.VOLATILE),
    "cms persistent": ("cms", ["--acks", "-1"], limits.PERSISTENT),
    "cms native shm": ("cms", ["--driver", "native", "--channel", "shm"], limits.VOLATILE),
    "cms native tcp": ("cms", ["--driver", "native", "--channel", "tcp"], limits.VOLATILE),
    "cms librdkafka": ("cms", ["--driver", "librdkafka", "--acks", "1"], limits.VOLATILE),
    "kafka": ("kafka", ["--acks", "1"], []),
    "kafka synced": ("kafka", ["--acks", "-1"], limits.SYNCED),
    "kafka librdkafka": ("kafka", ["--driver", "librdkafka", "--acks", "1"], []),
    "floor librdkafka": ("floor", ["--driver", "librdkafka", "--acks", "1"], []),
    "nats": ("nats", ["--system", "nats"], []),
    "redis": ("redis", ["--system", "redis"], []),
    "redis streams": ("redis", ["--system", "redis-streams"], []),
}
BASELINES = {"cms volatile": ["kafka"], "cms persistent": ["kafka synced"], "cms native shm": ["nats"],
             "cms native tcp": ["nats"], "cms librdkafka": ["kafka librdkafka", "floor librdkafka"]}
KAFKA_AND_US = ["cms volatile", "cms persistent", "kafka", "kafka synced"]
LIBRDKAFKA = ["cms librdkafka", "kafka librdkafka", "floor librdkafka"]


# Seconds in which Kafka makes the files of so many partitions, with their first records; each touch of a new index file
# was seen to take it 40 ms.
MANY_WARM_UP = {10: 0.5, 100: 6, 1_000: 45}


class Shape:
    """`processors`: as systems.placed() takes them."""

    def __init__(self, arguments, of, rounds_max=1000, processors=None, warm_up=0.5):
        self.arguments, self.of, self.rounds_max, self.processors = arguments, of, rounds_max, processors
        self.warm_up = warm_up

    def is_scheduled(self):
        """Not the closed loop."""
        return self.arguments[:2] != ["--rate", "0"]


SMALL = "100 B, 2,000/s"
SMALL_TOGETHER = "100 B, 2,000/s, all on one processor"
SMALL_APART = "100 B, 2,000/s, server and client on a processor each"
MAXIMUM = "1 KB, as much as goes"
PARTITIONS = "1 KB, 100 partitions, 10,000/s"
KILOBYTE = "1 KB, 10,000/s"
RDKAFKA_BOTH = "librdkafka, 1 KB, as much as goes"
RDKAFKA_SENDS = "librdkafka, 1 KB, producing only"
RDKAFKA_SENDS_SMALL = "librdkafka, 100 B, producing only"
RDKAFKA_ONE = "librdkafka, 100 B, a request each, producing only"
SHAPES = {
    SMALL: Shape(["--rate", "2000", "--size", "100"], list(SYSTEMS)),
    # A wake across processors costs ten times one on the same.
    SMALL_TOGETHER: Shape(["--rate", "2000", "--size", "100"], ["cms volatile", "cms native shm", "kafka", "nats"], 3,
                          processors=systems.TOGETHER),
    SMALL_APART: Shape(["--rate", "2000", "--size", "100"], ["cms volatile", "cms native shm", "kafka", "nats"], 3,
                       processors=systems.APART),
    KILOBYTE: Shape(["--rate", "10000", "--size", "1024"], KAFKA_AND_US),
    PARTITIONS: Shape(["--rate", "10000", "--size", "1024", "--partitions", "100"], ["cms volatile", "kafka"],
                      warm_up=MANY_WARM_UP[100]),
    MAXIMUM: Shape(["--rate", "0", "--size", "1024"], [name for name in SYSTEMS if "librdkafka" not in name]),
    RDKAFKA_BOTH: Shape(["--rate", "0", "--size", "1024"], LIBRDKAFKA, 3),
    RDKAFKA_SENDS: Shape(["--rate", "0", "--size", "1024", "--subscriptions", "0"], LIBRDKAFKA, 3),
    RDKAFKA_SENDS_SMALL: Shape(["--rate", "0", "--size", "100", "--subscriptions", "0"], LIBRDKAFKA, 3),
    RDKAFKA_ONE: Shape(["--rate", "0", "--size", "100", "--batch-bytes", "1", "--subscriptions", "0"], LIBRDKAFKA, 3),
}


# What is run for the charts, in rounds of its own: the closed loop over one field. Name, arguments, systems and their
# topics' configs, seconds of warm-up.
def size_arguments(size):
    return ["--rate", "0", "--size", str(size), "--records-in-flight", str(max(4, min(1000, 4_000_000 // size)))]


SIZES = (100, 1_024, 10_240, 102_400, 1_024_000)
PRODUCERS = (4, 50, 500)
SERIES = [
    *[(f"{size:,} B, as much as goes", size_arguments(size),
       {"cms volatile": ROOMY, "cms native shm": ROOMY, "kafka": None, "nats": None}, 0.5)
      for size in SIZES],
    *[(f"1 KB, {count} partitions, as much as goes", ["--rate", "0", "--size", "1024", "--partitions", str(count)],
       {"cms volatile": None, "kafka": None}, warm_up) for count, warm_up in MANY_WARM_UP.items()],
    *[(f"1 KB, {count} producers, as much as goes",
       ["--rate", "0", "--size", "1024", "--producers", str(count), "--records-in-flight", str(max(10, 1000 // count))],
       {"cms volatile": None, "kafka": None}, 0.5) for count in PRODUCERS],
]
# Ways of a pushed record, for the chart of its steps: options of cms ping, and what the chart adds to their name.
STAGES = [(["--channel", "shm", "--size", "100"], False), (["--channel", "shm", "--size", "100"], True),
          (["--channel", "shm", "--size", "10000"], True), (["--channel", "tcp", "--size", "100"], False),
          (["--channel", "tcp", "--size", "100"], True)]


def program_for(server, address):
    if server in ("cms", "kafka", "floor"):
        return [f"{systems.BIN}/cms", "-b", address, "bench", "-q", "-o", "json"]
    return [f"{systems.BIN}/peer_bench", "--address", address]


def run(server, program, arguments, processors=None):
    """One run; None if it went wrong, or a record was lost, repeated or changed."""
    with systems.placed([server], processors) as command:
        done = subprocess.run([*command, *program, *arguments, "--pid", str(server.pid)], text=True,
                              stdout=subprocess.PIPE, check=False, timeout=300)
    return json.loads(done.stdout) if done.returncode == 0 else None


def load(servers, system, arguments, seconds, warm_up=0.5, configs=None, processors=None):
    """`configs` in place of the system's own, if given."""
    name, told, usual = SYSTEMS[system]
    words = [word for config in (usual if configs is None else configs) for word in ("-c", config)]
    found = run(servers[name], program_for(name, servers[name].address),
                [*arguments, *told, *words, "--duration", str(seconds), "--warm-up", str(warm_up)],
                processors)
    if found:
        found["system"] = system
    return found


def stages(server, arguments, spins):
    """A pushed record's way from step to step, as cms ping tells it; None if it went wrong."""
    told = ["--spin", "1000000"] if spins else []
    done = subprocess.run([f"{systems.BIN}/cms", "-b", server.address, "-o", "json", "ping", "--stages", "--count",
                           "5000", *arguments, *told], text=True, stdout=subprocess.PIPE, check=False, timeout=60)
    if done.returncode != 0:
        return None
    found = json.loads(done.stdout)
    found["note"] = ", spinning" if spins else ", asleep"
    return found
