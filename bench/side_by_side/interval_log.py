# SPDX-License-Identifier: Apache-2.0
"""Reads what `cms bench --histogram-log` writes: HdrHistogram's interval log, a histogram for each second."""
import base64
import struct
import zlib

HEADER_BYTES = 40  # of a histogram that is not compressed; eight more stand before the compressed one
EXACT = 2048  # values below are counted one by one; above, each power of two is in 1024 equal parts


def numbers(data):
    """ZigZag in LEB128 of nine bytes at most, the ninth of which holds eight bits."""
    bits = count = 0
    for byte in data:
        last = count == 8 or byte < 0x80
        bits |= (byte if count == 8 else byte & 0x7f) << (7 * count)
        count += 1
        if last:
            yield (bits >> 1) ^ -(bits & 1)
            bits = count = 0


def value_at(index):
    power = index // (EXACT // 2) - 1
    return index if index < EXACT else (index - power * (EXACT // 2)) << power


def counts_of(text):
    """{value in ns: how often}, from a histogram's text."""
    plain = zlib.decompress(base64.b64decode(text)[8:])
    size, = struct.unpack_from(">i", plain, 4)
    counts, index = {}, 0
    for number in numbers(plain[HEADER_BYTES:HEADER_BYTES + size]):
        if number > 0:
            counts[value_at(index)] = number
        index += -number if number < 0 else 1
    return counts


def read(path):
    """The counts of each interval, in their order."""
    with open(path, encoding="ascii") as file:
        return [counts_of(line.rsplit(",", 1)[1]) for line in file if line.startswith("Tag=")]


def percentile(intervals, percent):
    """Of several intervals together, in ns."""
    merged = {}
    for counts in intervals:
        for value, count in counts.items():
            merged[value] = merged.get(value, 0) + count
    left = sum(merged.values()) * percent / 100
    for value in sorted(merged):
        left -= merged[value]
        if left <= 0:
            return value
    return 0
