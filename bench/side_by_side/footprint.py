# SPDX-License-Identifier: Apache-2.0
"""What this broker takes while nothing happens: by itself, and for each partition and each connection it has."""
import contextlib
import os
import resource
import socket
import subprocess
import tempfile
import time

from side_by_side import systems

PARTITIONS = 10_000
CONNECTIONS = 5_000
SETTLED_SECONDS = 1.5  # what a request left is given back: a large receive buffer after a second
API_VERSIONS = bytes.fromhex("0000000a" "0012" "0000" "00000001" "ffff")  # version 0, no client id


@contextlib.contextmanager
def broker():
    with tempfile.TemporaryDirectory(prefix="cms-idle-") as directory:
        system = systems.start_cms(os.path.join(directory, "data"))
        try:
            yield system
        finally:
            system.stop()


def resident(system):
    time.sleep(SETTLED_SECONDS)
    return system.usage()[2]


def alone():
    with broker() as system, tempfile.TemporaryDirectory(prefix="cms-idle-") as directory:
        resident(system)
        before = system.usage()
        time.sleep(3)
        after = system.usage()
        stripped = os.path.join(directory, "cmsd")
        subprocess.run(["strip", "-o", stripped, f"{systems.BIN}/cmsd"], check=True)
        return {"idle MB": after[2] / 1e6, "idle share": (after[0] - before[0]) / 3,
                "program MB": os.path.getsize(stripped) / 1e6}


def partition_bytes(durability):
    """Of a partition that nobody has written to."""
    with broker() as system:
        before = resident(system)
        subprocess.run([f"{systems.BIN}/cms", "-b", system.address, "topic", "create", "idle", "-p", str(PARTITIONS),
                        "--durability", durability], check=True, stdout=subprocess.DEVNULL, timeout=60)
        return (resident(system) - before) / PARTITIONS


def connection_bytes(asks):
    """Of the broker's own memory, not of the kernel's; `asks`: after a request and its answer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(CONNECTIONS, hard - 100)
    with broker() as system, contextlib.ExitStack() as opened:
        opened.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        host, port = system.address.rsplit(":", 1)
        before = resident(system)
        for _ in range(count):
            one = opened.enter_context(socket.create_connection((host, int(port)), timeout=10))
            if asks:
                one.sendall(API_VERSIONS)
                one.recv(1 << 16)
        return (resident(system) - before) / count


def measure():
    """{name: figure}"""
    return {**alone(), "bytes a volatile partition": partition_bytes("volatile"),
            "bytes a persistent partition": partition_bytes("persistent"),
            "bytes a silent connection": connection_bytes(asks=False),
            "bytes a connection": connection_bytes(asks=True)}


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:30} {value:.4g}")
