"""A machine's start, size and rest: ours beside the same Python as the only program of Debian's cloud kernel.

Everything is emulated (TCG) on one virtual processor, whatever the host can do. "First print" is the time from
starting QEMU to the first line on its console. The floor is the least memory with which a program greets and ends
with 0, by bisection. Idle is QEMU's own processor time while the guest waits, after it has worked for a while.

Needs `make runtime`. The first run downloads Debian's kernel (27 MB) into build/bench. A goal that is missed stands in
the table as missed, and in a line on standard error; that is a result, not a failure.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks import linux
from benchmarks.http import cpu_seconds
from benchmarks.table import Table
from fata.target.image.runtime import LEAN, has_runtime
from fata.target.virtio.machine import MODELS, Machine
from fata.target.virtio.qemu import command
from scripts.runtime import floors

KEPT = Path(__file__).parents[1] / "build" / "bench" / "linux"
LIMIT = 40.0  # seconds for any machine
MB = 1_000_000
FIRST_GOAL = {"hello": 0.4, "asyncio": 1.0}  # seconds
FLOOR_GOAL = {"hello": 20, "asyncio": 28}  # MiB
SIZE_GOAL = {"without TLS": 12, "with TLS": 16}  # MB
IDLE_GOAL = 3.0  # % of a processor
TIMES_GOAL = 10.0  # how much sooner hello prints than on Linux

IDLE = '''"""Works in tasks, threads and codecs, greets, waits; the executor's threads stay, and wait too."""

import asyncio
import hashlib
import json
import time
import zlib

from fata.device import Console


def churn(seed):
    table = {f"key {number}": [number * seed, "x" * (number % 70)] for number in range(300)}
    text = zlib.decompress(zlib.compress(json.dumps(table).encode()))
    return json.loads(text) == table and hashlib.sha256(text).digest()


async def talk(messages):
    queue = asyncio.Queue(4)

    async def say():
        for number in range(messages):
            await queue.put(number)

    speaker = asyncio.create_task(say())
    heard = [await queue.get() for _ in range(messages)]
    await speaker
    return sum(heard)


class Hello:
    """Wait in one of two ways.

    Keys:
        asleep: block in time.sleep, not in asyncio
    """

    def __init__(self, console: Console, *, asleep: bool = False) -> None:
        self.console = console
        self.asleep = asleep

    async def run(self) -> None:
        """Work and wait."""
        loop = asyncio.get_running_loop()
        for turn in range(10):
            timers = (asyncio.sleep(number / 1000) for number in range(50))
            threads = (loop.run_in_executor(None, churn, turn + number) for number in range(4))
            await asyncio.gather(talk(200), *timers, *threads)
        self.console.write("hello world\\n")
        if self.asleep:
            time.sleep(60)
        await asyncio.sleep(60)
'''

Words = list[str]


@contextmanager
def greeted(words: Words) -> Iterator[tuple[int, float]]:
    """Run QEMU until the block ends; give its process, and the seconds to the greeting. Raises RuntimeError."""
    began = time.perf_counter()
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    timer = threading.Timer(LIMIT, process.kill)
    timer.start()
    try:
        assert process.stdout is not None
        if not any(line.strip() == floors.GREETING.strip() for line in process.stdout):
            raise RuntimeError(f"nothing was said: {' '.join(words)}")
        yield process.pid, time.perf_counter() - began
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def processor_seconds(process: int) -> float:
    """Return what the threads of a process have run, to the nanosecond: a start is too short for clock ticks."""
    threads = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(thread.read_text(encoding="ascii").split()[0]) for thread in threads) / 1e9


class First(NamedTuple):
    """Seconds to a first line: as they pass, and as QEMU's threads ran, which other load disturbs less."""

    wall: float
    processor: float


def first_prints(machines: Mapping[str, Words], runs: int) -> dict[str, First]:
    """Return the medians of each machine, measured in turns."""
    seen: dict[str, list[First]] = {name: [] for name in machines}
    for _ in range(runs):
        for name, words in machines.items():
            with greeted(words) as (process, seconds):
                seen[name].append(First(seconds, processor_seconds(process)))
    return {
        name: First(*(statistics.median(each) for each in zip(*times, strict=True))) for name, times in seen.items()
    }


def idle(words: Words, seconds: float) -> float:
    """Return the per cent of a processor that a machine takes while its program waits."""
    with greeted(words) as (process, _):
        time.sleep(0.5)
        before, began = cpu_seconds(process), time.perf_counter()
        time.sleep(seconds)
        return (cpu_seconds(process) - before) / (time.perf_counter() - began) * 100


class Verdicts:
    """A table's rows with goals, and which were missed."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.missed: list[str] = []

    def row(self, what: str, unit: str, value: float, goal: float, *, at_least: bool = False) -> None:
        """Add a row; a goal is the most there may be, or the least."""
        met = value >= goal if at_least else value <= goal
        sign = "≥" if at_least else "≤"
        self.table.row(what, value, unit, f"{sign} {goal:g}", "met" if met else "missed")
        if not met:
            self.missed.append(what)


def first_print_rows(verdicts: Verdicts, images: Mapping[str, Path], runs: int) -> None:
    """Measure first prints, ours and the peer's."""
    machines = {
        f"{kind} on {model}": command(Machine(model), "tcg", image, "")
        for kind, image in images.items()
        for model in MODELS
    }
    machines |= {f"{kind} on Linux, q35": linux.command(kind, KEPT) for kind in images}
    seen = first_prints(machines, runs)
    for kind in images:
        rows_of(verdicts, kind, seen, linux.version(machines[f"{kind} on Linux, q35"]))


def rows_of(verdicts: Verdicts, kind: str, seen: Mapping[str, First], kernel: str) -> None:
    """Add a program's rows."""
    peer, table = seen[f"{kind} on Linux, q35"], verdicts.table
    for model in MODELS:
        verdicts.row(f"first print, {kind} on {model}", "s", seen[f"{kind} on {model}"].wall, FIRST_GOAL[kind])
    table.row(f"first print, {kind} on Linux {kernel}, q35", peer.wall, "s", "-", "peer")
    for model in MODELS:
        times, what = peer.wall / seen[f"{kind} on {model}"].wall, f"times sooner than Linux, {kind} on {model}"
        if kind == "hello":
            verdicts.row(what, "×", times, TIMES_GOAL, at_least=True)
        else:
            table.row(what, times, "×", "-", "-")
    for model in MODELS:
        table.row(f"processor time to it, {kind} on {model}", seen[f"{kind} on {model}"].processor, "s", "-", "-")
    table.row(f"processor time to it, {kind} on Linux, q35", peer.processor, "s", "-", "peer")


def measure(verdicts: Verdicts, scratch: Path, runs: int, seconds: float) -> None:
    """Build the images and add every row."""
    images = {kind: floors.make(program, scratch / kind) for kind, program in floors.PROGRAMS.items()}
    sizes = {"without TLS": images["hello"], "with TLS": floors.make(floors.HELLO + floors.WITH_TLS, scratch / "tls")}
    for name, image in sizes.items():
        verdicts.row(f"image of hello, {name}", "MB", image.stat().st_size / MB, SIZE_GOAL[name])
    first_print_rows(verdicts, images, runs)
    for kind, image in images.items():
        verdicts.row(f"floor, {kind} on microvm", "MiB", floors.floor(image, "microvm"), FLOOR_GOAL[kind])
    waiting = floors.make(IDLE, scratch / "idle")
    for model in MODELS:
        for name, line in (("asyncio.sleep", ""), ("time.sleep", "--asleep")):
            used = idle(command(Machine(model), "tcg", waiting, line), seconds)
            verdicts.row(f"idle in {name} on {model}", "% CPU", used, IDLE_GOAL)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one start of each instead of five; idle for 2 s, not 4")
    runs, seconds = (1, 2.0) if parser.parse_args().quick else (5, 4.0)
    if has_runtime(LEAN) is None:
        sys.exit("benchmarks.boot needs the runtime: make runtime")
    title = f"boot: emulated (TCG), medians of {runs}"
    with Table(title, "what", "value", "unit", "goal", "verdict") as table, tempfile.TemporaryDirectory() as scratch:
        verdicts = Verdicts(table)
        measure(verdicts, Path(scratch), runs, seconds)
    if verdicts.missed:
        print(f"boot: goals missed: {'; '.join(verdicts.missed)}", file=sys.stderr)


if __name__ == "__main__":
    main()
