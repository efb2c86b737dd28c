# SPDX-License-Identifier: Apache-2.0
"""What the broker is to reach, each goal as a figure with a bound: a ratio to a floor, a raw limit or a peer of the
same run, or an amount. docs/performance.md tells how the others are measured."""
from side_by_side import limits, loads


class Goal:
    """`value(measured)` is [median, low, high], or None where this run does not have it; `bound` is <= or >=, or nothing
    for a figure that is there to judge others by."""

    def __init__(self, number, what, bound, value=None, elsewhere=""):
        self.number, self.what, self.bound, self.value, self.elsewhere = number, what, bound, value, elsewhere

    def why_absent(self, measured):
        if self.elsewhere:
            return "measured by: " + self.elsewhere
        why = measured.scale.why_absent(self.number)
        return f"left out: {why}" if why else "not measured in this run"

    def verdict(self, measured):
        value = self.value(measured) if self.value else None
        if value is None:
            return None, self.why_absent(measured)
        if not self.bound:
            return value, ""
        kind, limit = self.bound.split()
        met = value[0] <= float(limit) if kind == "<=" else value[0] >= float(limit)
        return value, "met" if met else "missed"


def limit(run, case, figure, side="ratio"):
    return lambda measured: measured.limits.of(run, case, figure, side)


def placed(number, what, bound, run, case, figure):
    """A goal for each of limits.PLACES."""
    where = {"together": "one processor", "apart": "one each"}
    return [Goal(number, f"{what}; {where[name]}", bound, limit(f"{run} {name}", case, figure))
            for name in limits.PLACES]


def inverse(of):
    def value(measured):
        ratio = of(measured)
        return [1 / ratio[0], 1 / ratio[2], 1 / ratio[1]] if ratio and all(ratio) else None
    return value


def shape(name, figure, system, baseline):
    return lambda measured: measured.ratio(name, figure, system, baseline)


def peer(ours, our_case, our_figure, name, case, figure):
    return lambda measured: measured.peers.ratio(ours, our_case, our_figure, name, case, figure)


def synced_bound(measured):
    """One synced produce to raw durable write and L5's together, and a tenth."""
    one = measured.limits.of("synced", "ackall", "p50 us", "a")
    raw = measured.limits.of("synced", "raw durable", "p50 us", "a")
    ack = measured.limits.of("floor", "ack1", "p50 us", "a")
    return [part / (1.1 * (raw[0] + ack[0])) for part in one] if one and raw and ack else None


def to_raw(run, case, figure, raw_case, raw_figure):
    def value(measured):
        one = measured.limits.of(run, case, figure, "a")
        raw = measured.limits.of(run, raw_case, raw_figure, "a")
        return [part / raw[0] for part in one] if one and raw else None
    return value


def appended_to_callback(measured):
    """To half a raw round trip: it is one of two hops."""
    ours, raw = measured.appended_to_callback_us(), measured.limits.of("push spinning", "shm 100 B", "p50 us", "b")
    return [2 * ours / raw[0]] * 3 if ours and raw else None


def footprint(name):
    return lambda measured: [measured.footprint[name]] * 3 if name in measured.footprint else None


def scale(name):
    return lambda measured: measured.scale.of(name)


def later_than_one(measured):
    last = measured.limits.of("push asleep", "shm 1:64", "p50 us", "a")
    one = measured.limits.of("push asleep", "shm 1:64", "p50 us", "b")
    return [part - one[0] for part in last] if last and one else None


SMALL, BOTH = loads.SMALL, loads.RDKAFKA_BOTH
THROUGH = "through a second"
OURS, THEIRS, FLOORS = "cms librdkafka", "kafka librdkafka", "floor librdkafka"
GOALS = [
    Goal("L1", "push over shared memory, all spinning, 100 B, p50, to a raw round trip", "<= 1.5",
         limit("push spinning", "shm 100 B", "p50 us")),
    Goal("L1", "the same, p99", "<= 2.5", limit("push spinning", "shm 100 B", "p99 us")),
    Goal("L1", "beside them: through a bare process that keeps each message, 100 B, p50, to raw", "",
         limit("push spinning", "kept 100 B", "p50 us")),
    Goal("L1", "appended to callback, p50, to half of it", "<= 1.5", appended_to_callback),
    *placed("L2", "the same asleep, p50, to a raw futex round trip", "<= 1.15", "push", "shm 100 B", "p50 us"),
    Goal("L2", "records within a spin budget of 50 us, p50, to raw, spinning", "<= 1.3",
         limit("push within budget", "shm 100 B", "p50 us")),
    Goal("L3", "push of 10 KB, spinning, p50, to raw", "<= 1.3", limit("push spinning", "shm 10 KB", "p50 us")),
    Goal("L3", "push of 1 MB, spinning, p50, to raw", "<= 1.3", limit("push spinning", "shm 1 MB", "p50 us")),
    *(Goal("L3", f"beside them: through a bare process that keeps each message, {size}, p50, to raw", "",
           limit("push spinning", f"kept {size}", "p50 us")) for size in ("10 KB", "1 MB")),
    Goal("L3", "read in place, 10 KB, p50, to raw", "<= 0.7", limit("push spinning", "in-place 10 KB", "p50 us")),
    Goal("L3", "the same, 1 MB", "<= 0.7", limit("push spinning", "in-place 1 MB", "p50 us")),
    *placed("L4", "push over TCP, asleep, p50, to a raw round trip", "<= 1.25", "push", "tcp 100 B", "p50 us"),
    *placed("L5", "produce to ack, volatile, p50, to the floor", "<= 1.25", "floor", "ack1", "p50 us"),
    *placed("L5", "the same, p99", "<= 2", "floor", "ack1", "p99 us"),
    *placed("L6", "produce to a parked fetch, p50, to the floor", "<= 1.25", "floor", "parked", "p50 us"),
    *placed("L6", "the same, p99", "<= 2", "floor", "parked", "p99 us"),
    Goal("L7", "the same through librdkafka, p50, to the floor", "<= 1.15",
         shape(SMALL, "end to end p50, us", OURS, FLOORS)),
    Goal("L7", "the same, p99", "<= 1.5", shape(SMALL, "end to end p99, us", OURS, FLOORS)),
    Goal("L8", "persistent, acks=1, to volatile, p50; one each", "<= 1.15", scale("L8 p50")),
    Goal("L9", "synced ack, one producer, to raw durable write + L5 + 10 %", "<= 1", synced_bound),
    Goal("L10", "synced ack, 32 producers, p50, to one raw durable write", "<= 2.2",
         to_raw("synced", "producers", "p50 us", "raw durable", "p50 us")),
    Goal("L10", "the same, their bytes, to raw durable writes of 64 KiB", ">= 0.8",
         to_raw("synced", "producers", "throughput MB/s", "raw durable", "64 KiB groups MB/s")),
    Goal("L11", "produce to a parked fetch, p50, to Apache Kafka", "<= 0.125", limit("kafka", "parked", "p50 us")),
    Goal("L11", "the same, p99", "<= 0.25", limit("kafka", "parked", "p99 us")),
    Goal("L11", "the same, p99.9", "<= 0.25", limit("kafka", "parked", "p99.9 us")),
    Goal("L11", f"through librdkafka, end to end, {SMALL}, p50, to Apache Kafka", "<= 0.25",
         shape(SMALL, "end to end p50, us", OURS, THEIRS)),
    Goal("L11", "synced ack, p50, to Apache Kafka with flush.messages=1", "<= 0.25",
         limit("synced", "ackall", "p50 us")),
    Goal("L12", f"Kafka's protocol end to end to NATS, {SMALL}, p50", "<= 1.4",
         shape(SMALL, "end to end p50, us", "cms volatile", "nats")),
    Goal("L12", "native TCP to NATS, p50", "<= 0.9", shape(SMALL, "end to end p50, us", "cms native tcp", "nats")),
    Goal("L12", "native shared memory to NATS, p50, asleep", "<= 0.05",
         shape(SMALL, "end to end p50, us", "cms native shm", "nats")),
    Goal("L13", "push over shared memory, 100 B, spinning, to an Aeron round trip", "<= 1.2",
         peer("spinning", "shm 100 B", "p50 us", "aeron", "spinning 100", "p50 us")),
    Goal("L13", "the same to an iceoryx2 round trip", "<= 0.6",
         peer("spinning", "shm 100 B", "p50 us", "iceoryx2", "spinning 100", "p50 us")),
    Goal("L13", "asleep, to Aeron's backoff", "<= 1.1",
         peer("asleep", "shm 100 B", "p50 us", "aeron", "backoff 100", "p50 us")),
    Goal("L13", "asleep, to an iceoryx2 round trip with events", "<= 1.1",
         peer("asleep", "shm 100 B", "p50 us", "iceoryx2", "asleep 100", "p50 us")),
    Goal("L13", "one publisher to one subscriber, 100 B, records a second to Aeron's", ">= 0.5",
         peer("spinning", "shm 100 B", "rate 1000 record/s", "aeron", "rate 100", "1000 msg/s")),
    Goal("L13", "the same, 1 KB", ">= 1",
         peer("spinning", "shm 1 KB", "rate 1000 record/s", "aeron", "rate 1024", "1000 msg/s")),
    Goal("L14", "open loop at 50 % of the maximum, p99.9 to p50", "<= 10",
         lambda measured: measured.spread_at(0.5, "p99.9")),
    Goal("L14", "open loop at 90 % of the maximum, p99 to p50", "<= 20",
         lambda measured: measured.spread_at(0.9, "p99")),
    Goal("L15", "the last of 64 subscribers after the only one, us", "<= 64", later_than_one),
    Goal("T1", "broker cpu, 16 KB batches of 100 B, us a record", "<= 0.2",
         limit("floor", "batch100", "broker cpu/message us", "a")),
    Goal("T1", "broker cpu, 16 KB batches of 1 KB, us a record", "<= 0.5",
         limit("floor", "batch1k", "broker cpu/message us", "a")),
    Goal("T1", "librdkafka produces 100 B, to the floor", ">= 0.9",
         shape(loads.RDKAFKA_SENDS_SMALL, THROUGH, OURS, FLOORS)),
    Goal("T1", "librdkafka produces 1 KB, to the floor", ">= 0.9", shape(loads.RDKAFKA_SENDS, THROUGH, OURS, FLOORS)),
    Goal("T2", "librdkafka produces and consumes 1 KB, to the floor", ">= 0.9", shape(BOTH, THROUGH, OURS, FLOORS)),
    Goal("T4", "fetches of 1 MB, to raw TCP", ">= 0.8",
         to_raw("streams", "stream", "throughput MB/s", "raw tcp", "throughput MB/s")),
    Goal("T5", "persistent log not synced, to raw buffered writes", ">= 0.9", scale("T5")),
    Goal("T6", "recovery scan, to raw sequential read, from the disk", ">= 0.8", scale("T6 cold")),
    Goal("T6", "the same, from the page cache", ">= 0.8", scale("T6 cached")),
    Goal("T7", "messages through a channel's ring, flushed by 16, to a raw ring, 100 B", ">= 0.5", scale("T7 100")),
    Goal("T7", "the same, 1 KB", ">= 0.7", scale("T7 1000")),
    Goal("T7", "the same, 10 KB", ">= 0.85", scale("T7 10000")),
    Goal("T8", "messages a cpu second, 16 KB batches, to Apache Kafka", ">= 6",
         inverse(limit("kafka", "batch100", "broker cpu/message us"))),
    Goal("T8", "the same, one-record batches", ">= 10", inverse(limit("kafka", "pipelined", "broker cpu/request us"))),
    Goal("T8", "librdkafka's rate of one-record requests, to Apache Kafka", ">= 5",
         shape(loads.RDKAFKA_ONE, THROUGH, OURS, THEIRS)),
    Goal("T10", "one-record requests, 16 in flight, rate of the floor's to ours; one processor each", "<= 1.3",
         inverse(limit("floor apart", "pipelined", "rate request/s"))),
    Goal("T10", "the same, broker cpu a request, us", "<= 2.5",
         limit("floor", "pipelined", "broker cpu/request us", "a")),
    Goal("T12", "heap allocations a one-record request, with its share of fetches", "<= 0.1", scale("T12")),
    Goal("T13", "system calls a request, 16 in flight", "<= 0.3",
         limit("counted", "pipelined", "system calls/request", "a")),
    Goal("S1", "100 partitions to one, end to end p99 at one rate", "<= 2",
         lambda measured: measured.between(loads.PARTITIONS, loads.KILOBYTE, "end to end p99, us",
                                          "cms volatile")),
    Goal("S1", "10,000 partitions to one, one-record requests received a second", ">= 0.9", scale("S1 rate")),
    Goal("S1", "10,000 partitions to one, end to end p99 at 10,000/s", "<= 2", scale("S1 p99")),
    Goal("S1", "memory of an idle partition, volatile, bytes", "<= 2048", footprint("bytes a volatile partition")),
    Goal("S1", "the same, persistent", "<= 4096", footprint("bytes a persistent partition")),
    Goal("S2", "10,000 connections, 1 % active, to one, end to end p99 at 5,000/s", "<= 1.5", scale("S2 p99")),
    Goal("S2", "memory of a connection after a request, bytes", "<= 2048", footprint("bytes a connection")),
    Goal("S3", "64 consumers of one partition, bytes received to raw TCP", ">= 0.8", scale("S3 egress")),
    Goal("S3", "64 consumers to one, produce to acknowledgement p99 at 500/s", "<= 2", scale("S3 p99")),
    Goal("S4", "50 producers to 4, end to end p99 at 5,000/s", "<= 1.5", scale("S4 50")),
    Goal("S4", "500 producers to 4, the same", "<= 3", scale("S4 500")),
    Goal("S5", "over 100 segments rolled and deleted, last tenth's p99 to the first's", "<= 1.3", scale("S5 p99")),
    Goal("S6", "start to the first accepted produce, empty, ms", "<= 20", scale("S6 empty")),
    Goal("S6", "the same, 1,000 partitions", "<= 100", scale("S6 1000")),
    Goal("S6", "the same, 1,000 partitions with a record each", "<= 100", scale("S6 1000-written")),
    Goal("S6", "the same, 10,000 partitions", "<= 1000", scale("S6 10000")),
    Goal("S7", "resident when idle, MB", "<= 8", footprint("idle MB")),
    Goal("S7", "share of a core when idle", "<= 0.002", footprint("idle share")),
    Goal("S8", "the program without symbols, MB", "<= 6", footprint("program MB")),
    Goal("S10", "start after kill -9 with 1 GB in the active segment, s", "<= 1", scale("S10")),
]


def judge(measured):
    """A row for each goal: number, what, bound, [median, low, high] or None, verdict."""
    return [(goal.number, goal.what, goal.bound, *goal.verdict(measured)) for goal in GOALS]


def number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def shown(value):
    if value is None:
        return ""
    median, low, high = (number(part) for part in value)
    return median if value[1] == value[2] else f"{median} [{low}..{high}]"


def to_text(rows):
    lines = [f"{'goal':5} {'what':74} {'asked':8} {'median [range]':28} verdict"]
    lines += [f"{number:5} {what:74} {bound:8} {shown(value):28} {verdict}"
              for number, what, bound, value, verdict in rows]
    return "\n".join(lines)


def to_html(rows):
    cells = "".join(
        f"<tr><td>{number}</td><td>{what}</td><td>{bound.replace('<', '&lt;')}</td><td>{shown(value)}</td>"
        f"<td>{'<b>missed</b>' if verdict == 'missed' else verdict}</td></tr>"
        for number, what, bound, value, verdict in rows)
    return ("<h2>Goals</h2><table><tr><th>goal</th><th>what</th><th>asked</th><th>median [range]</th>"
            f"<th>verdict</th></tr>{cells}</table>")
