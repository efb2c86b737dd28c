# SPDX-License-Identifier: Apache-2.0
"""The systems that are compared: started on free ports of the loopback, stopped by their process, and what the kernel
knows of them meanwhile."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.join(ROOT, "build/release/bin")
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class System:
    """A process that serves, at an address."""

    def __init__(self, address, pid, process=None):
        self.address, self.pid, self.process = address, pid, process

    def usage(self):
        """Processor seconds, context switches so far; resident bytes."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        switches = 0
        for task in os.listdir(f"/proc/{self.pid}/task"):
            try:
                with open(f"/proc/{self.pid}/task/{task}/status", encoding="ascii") as file:
                    switches += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
            except FileNotFoundError:  # a thread that has ended meanwhile
                pass
        return (int(fields[11]) + int(fields[12])) / TICKS, switches, int(fields[21]) * PAGE_BYTES

    def stop(self):
        self.process.terminate()
        self.process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_port(process, port, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            return False
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return True
        except OSError:
            time.sleep(0.05)
    return False


def start_cms(directory, *settings, environment=None):
    process = subprocess.Popen(
        [f"{BIN}/cmsd", "--data", directory, "--listen", "127.0.0.1:0", "--admin", "off",
         *[word for setting in settings for word in ("--set", setting)]],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, **(environment or {})})
    first = process.stdout.readline()
    if " on " not in first:
        sys.exit(f"cmsd does not start: {BIN}/cmsd (./run builds it)")
    return System(first.split(" on ")[1].split()[0].rstrip(","), process.pid, process)


class Kafka(System):
    def __init__(self, directory):
        self.directory = directory
        started = subprocess.run([f"{ROOT}/compat-tests/reference/start", directory], text=True, check=False,
                                 env=dict(os.environ, REFERENCE_HEAP="1g"), stdout=subprocess.PIPE)
        if started.returncode != 0:
            sys.exit("Apache Kafka does not start: it needs Java, and its jars from Maven Central the first time")
        told = dict(line.split("=", 1) for line in started.stdout.splitlines() if "=" in line)
        super().__init__(told["bootstrap"], int(told["pid"]))

    def stop(self):
        subprocess.run([f"{ROOT}/compat-tests/reference/stop", self.directory], check=False)


def start_plain(command, port):
    """A server that says nothing of use when it is ready; None where it is not installed or does not start."""
    if shutil.which(command[0]) is None:
        return None
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if await_port(process, port):
        return System(f"127.0.0.1:{port}", process.pid, process)
    process.terminate()
    process.wait()
    return None


def start_nats():
    port = free_port()
    return start_plain(["nats-server", "-a", "127.0.0.1", "-p", str(port)], port)


def start_redis(directory):
    port = free_port()
    return start_plain(["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", directory],
                       port)


def start_floor():
    port = free_port()
    return start_plain([f"{BIN}/floor", str(port)], port)


# Processors of the servers, and of what loads them.
TOGETHER, APART = ({0}, {0}), ({0}, {1})


def place(pid, processors):
    """All threads of the process, and those they start, from now on."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            os.sched_setaffinity(int(thread), processors)
        except OSError:  # it has ended, or there is no such processor
            pass


@contextlib.contextmanager
def placed(servers, processors):
    """The servers are on the first of both sets of `processors`; what it yields, in front of a command, has that one run
    on the second. None: wherever the kernel likes."""
    if processors is None:
        yield []
        return
    for server in servers:
        place(server.pid, processors[0])
    try:
        yield ["taskset", "-c", ",".join(str(one) for one in sorted(processors[1]))]
    finally:
        for server in servers:
            place(server.pid, os.sched_getaffinity(0))


def stop_all(systems):
    for system in systems:
        if system is not None:
            system.stop()


def machine():
    """What a reader needs to know of where this ran."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    with open("/proc/loadavg", encoding="ascii") as file:
        load = file.read().split()[0]
    with open("/proc/stat", encoding="ascii") as file:
        steal = int(file.readline().split()[8]) / TICKS
    facts = {"processors": len(models), "model": models[0] if models else "", "kernel": os.uname().release,
             "load": float(load), "stolen_seconds_since_boot": round(steal)}
    try:
        with open("/proc/pressure/cpu", encoding="ascii") as file:
            facts["pressure_cpu"] = file.readline().split()[1]
        with open("/proc/pressure/io", encoding="ascii") as file:
            facts["pressure_io"] = file.readline().split()[1]
    except OSError:
        pass  # not every kernel tells
    return facts


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is stopped
