# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/performance.md, of a run's result.json.

In bench/: python3 -m side_by_side.markdown ../build/compare/result.json"""
import json
import sys

from side_by_side import goals, loads

P50, P99, P999 = (f"end to end {part}, us" for part in ("p50", "p99", "p99.9"))
CPU, THROUGH, SWITCHES = "broker cpu, us a record", "through a second", "context switches a record"
CALLS, MEMORY = "system calls a record", "resident memory, MB"
RATIOS = [
    (loads.SMALL, "cms volatile", "kafka", "volatile to Kafka"),
    (loads.SMALL, "cms persistent", "kafka synced", "persistent to Kafka synced"),
    (loads.SMALL, "cms librdkafka", "kafka librdkafka", "both through librdkafka"),
    (loads.SMALL, "cms native tcp", "nats", "native TCP to NATS"),
    (loads.SMALL, "cms native shm", "nats", "native shared memory, asleep, to NATS"),
    (loads.SMALL_TOGETHER, "cms volatile", "kafka", "volatile to Kafka"),
    (loads.SMALL_APART, "cms volatile", "kafka", "volatile to Kafka"),
    (loads.KILOBYTE, "cms volatile", "kafka", "volatile to Kafka"),
    (loads.KILOBYTE, "cms persistent", "kafka synced", "persistent to Kafka synced"),
    (loads.PARTITIONS, "cms volatile", "kafka", "volatile to Kafka"),
    (loads.MAXIMUM, "cms volatile", "kafka", "volatile to Kafka"),
    (loads.MAXIMUM, "cms persistent", "kafka synced", "persistent to Kafka synced"),
    (loads.MAXIMUM, "cms native shm", "nats", "native shared memory to NATS"),
    (loads.RDKAFKA_BOTH, "cms librdkafka", "kafka librdkafka", "to Kafka"),
    (loads.RDKAFKA_ONE, "cms librdkafka", "kafka librdkafka", "to Kafka"),
]


def number(value):
    return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def shape_table(figures, shape, names):
    found = figures.get(shape, {})
    systems = [system for system in loads.SHAPES[shape].of if any(system in found.get(name, {}) for name in names)]
    rows = [[name, *(number(found[name].get(system)) for system in systems)] for name in names if name in found]
    return table([shape, *(system.removeprefix("cms ") for system in systems)], rows)


def ratio_table(figures):
    names = [P50, P99, P999, CPU, THROUGH]
    rows = []
    for shape, system, baseline, what in RATIOS:
        cells = [goals.shown(figures.get(shape, {}).get(name, {}).get(f"{system} / {baseline}")) for name in names]
        if loads.SHAPES[shape].is_scheduled():
            cells[-1] = ""
        else:
            cells[:3] = [""] * 3
        rows.append([f"{shape}: {what}", *cells])
    return table(["ratio in a round", *names], rows)


def series_table(series, columns, unit, figure):
    """A row for each system, a column for each of a series' loads: the median of the rounds."""
    found = {(one["name"], one["system"]): one[figure][0] for one in series if one[figure]}
    names = [f"{column}, as much as goes" for column in columns]
    systems = list(dict.fromkeys(system for name, system in found if name in names))
    rows = [[system.removeprefix("cms "), *(number(found.get((name, system))) for name in names)] for system in systems]
    return table([unit, *columns], rows)


def goal_table(rows):
    return table(["goal", "what", "asked", "median [range]", ""],
                 [[row["goal"], row["what"], row["asked"], goals.shown(row["value"]),
                   "**missed**" if row["verdict"] == "missed" else row["verdict"]] for row in rows])


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        result = json.load(file)
    figures, series = result["figures"], result["series"]
    print(f"{result['machine']}\n")
    for shape in (loads.SMALL, loads.SMALL_TOGETHER, loads.SMALL_APART):
        print(shape_table(figures, shape, [P50, P99, CPU, SWITCHES, MEMORY]))
    print(shape_table(figures, loads.MAXIMUM, [THROUGH, CPU, CALLS, MEMORY]))
    print(ratio_table(figures))
    print(series_table(series, [f"{size:,} B" for size in loads.SIZES], "MB a second", "received_megabytes_per_second"))
    print(series_table(series, [f"1 KB, {count} partitions" for count in loads.MANY_WARM_UP], "records a second",
                       "received_per_second"))
    print(series_table(series, [f"1 KB, {count} producers" for count in loads.PRODUCERS], "records a second",
                       "received_per_second"))
    print(goal_table(result["goals"]))


main()
