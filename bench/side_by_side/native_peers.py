# SPDX-License-Identifier: Apache-2.0
"""Aeron and iceoryx2, which pass messages between programs of one machine without a broker: their round trips and rates
beside a push through this broker, in turns. Built from bench/peers where their tools are there (a JDK and Maven; a cargo
that is young enough), else left out."""
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile

from side_by_side import systems

SOURCES = os.path.join(systems.ROOT, "bench/peers")
BUILD = os.path.join(systems.ROOT, "build/peers")
SIZES = (100, 1_024, 10_240)
JAVA_OPENS = ["--add-opens", "java.base/jdk.internal.misc=ALL-UNNAMED", "--add-opens",
              "java.base/sun.nio.ch=ALL-UNNAMED"]


def attempt(command, log):
    """Whether it went well; what it said is in the log."""
    try:
        with open(log, "w", encoding="utf-8") as file:
            return subprocess.run(command, stdout=file, stderr=file, check=False, timeout=600).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def build_aeron():
    """The command that runs it, or None."""
    there = os.path.join(BUILD, "aeron")
    os.makedirs(there, exist_ok=True)
    source, log = os.path.join(SOURCES, "aeron/AeronPeer.java"), os.path.join(there, "build.log")
    fetched = os.path.isdir(f"{there}/lib") or attempt(
        ["mvn", "-q", "-B", "-f", os.path.join(SOURCES, "aeron/pom.xml"), "dependency:copy-dependencies",
         "-DincludeScope=runtime", f"-DoutputDirectory={there}/lib"], log)
    if not fetched or not attempt(["javac", "-proc:none", "-d", f"{there}/classes", "-cp", f"{there}/lib/*", source], log):
        return None
    return ["java", "-Xmx512m", *JAVA_OPENS, "-cp", f"{there}/classes:{there}/lib/*", "AeronPeer"]


def build_iceoryx2():
    there = os.path.join(BUILD, "iceoryx2")
    os.makedirs(there, exist_ok=True)
    manifest = os.path.join(SOURCES, "iceoryx2/Cargo.toml")
    built = attempt(["cargo", "build", "--release", "--locked", "--manifest-path", manifest, "--target-dir", there],
                    os.path.join(there, "build.log"))
    return [f"{there}/release/iceoryx2-peer"] if built else None


class Peer:
    """A program that answers each line with the figures of one round."""

    def __init__(self, command, seconds):
        self.process = subprocess.Popen([*command, str(seconds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.read()  # it is ready

    def read(self):
        """{(case, figure): value}; what came before the program ended, if it did."""
        figures = {}
        for line in self.process.stdout:
            told = json.loads(line)
            if "done" in told:
                break
            figures[(told["case"], told["figure"])] = told["value"]
        return figures

    def round(self):
        try:
            print("round", file=self.process.stdin, flush=True)
        except OSError:
            return {}
        return self.read()

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def our_round(cms, spins, seconds):
    """The same of a push over shared memory through the broker."""
    with tempfile.TemporaryDirectory(prefix="cms-peers-") as directory:
        path = os.path.join(directory, "figures")
        sizes = [word for size in (SIZES if spins else SIZES[:1]) for word in ("--size", str(size))]
        done = subprocess.run([f"{systems.BIN}/push_latency", "--broker", cms.address, "--pid", str(cms.pid), "--rounds",
                               "1", "--seconds", str(seconds), "--json", path, "--channel", "shm", "--subscribers", "0",
                               *sizes, *(["--spin"] if spins else [])], stdout=subprocess.DEVNULL, check=False,
                              timeout=120)
        if done.returncode != 0:
            return {}
        with open(path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
    return {(line["case"], line["figure"]): line["a"][0] for line in lines}


def spread(values):
    return [statistics.median(values), min(values), max(values)] if values else None


class NativePeers:
    """`rounds`: of each round what each system's figures were, by system: {(case, figure): value}."""

    def __init__(self):
        self.rounds = []

    def measure(self, asleep, spinning, rounds=3, seconds=0.2):
        peers = {}
        for name, build in (("aeron", build_aeron), ("iceoryx2", build_iceoryx2)):
            print(f"  {name}", flush=True)
            command = build()
            if command is None:
                print(f"  {name} cannot be built here: left out ({BUILD}/{name}/build.log)", file=sys.stderr)
                continue
            peers[name] = Peer(command, seconds)
        try:
            for _ in range(rounds):
                found = {"spinning": our_round(spinning, True, seconds), "asleep": our_round(asleep, False, seconds)}
                os.kill(spinning.pid, signal.SIGSTOP)  # it looks for a second more, on one of their processors
                for name, peer in peers.items():
                    found[name] = peer.round()
                os.kill(spinning.pid, signal.SIGCONT)
                self.rounds.append(found)
        finally:
            for peer in peers.values():
                peer.stop()

    def ratio(self, ours, our_case, our_figure, peer, case, figure):
        """Of ours in one round to the peer's in it: [median, low, high], or None."""
        pairs = [(found.get(ours, {}).get((our_case, our_figure)), found.get(peer, {}).get((case, figure)))
                 for found in self.rounds]
        return spread([one / other for one, other in pairs if one and other])

    def as_json(self):
        return [{system: [{"case": case, "figure": figure, "value": value} for (case, figure), value in of.items()]
                 for system, of in found.items()} for found in self.rounds]
