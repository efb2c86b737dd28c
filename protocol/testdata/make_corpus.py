#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seeds for the fuzzers from the recorded frames: make_corpus.py FOLDER writes FOLDER/request and FOLDER/response.

    build/fuzz/bin/request_fuzz -max_total_time=120 FOLDER/request
    build/fuzz/bin/response_fuzz -max_total_time=120 FOLDER/response
"""

import pathlib
import re
import sys

FRAMES = pathlib.Path(__file__).parent / "frames"


def frame(path):
    lines = path.read_text().splitlines()
    return bytes.fromhex("".join(line for line in lines if not line.startswith("#")))


def main(folder):
    for kind in ("request", "response"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for path in FRAMES.glob("*-request.hex"):
        request = frame(path)
        (folder / "request" / path.stem).write_bytes(request)
        answer = path.with_name(path.name.replace("-request.hex", "-response.hex"))
        if answer.exists():
            # response_fuzz.cc: api key and version in a byte each, then the frame.
            version = int(re.search(r"-v(\d+)-request", path.name)[1])
            (folder / "response" / answer.stem).write_bytes(bytes([request[1], version]) + frame(answer))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
