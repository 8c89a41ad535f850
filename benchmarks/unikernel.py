"""examples/www three times: as our unikernel, on Debian's Python and cloud kernel, and the same image as a process.

Our unikernel is there twice: as it is, and with a snapshot (`fata build --snapshot`: its modules were imported when it
was built).

Machines are emulated (TCG) on one virtual processor with QEMU's user network, whatever the host can do. "First octet"
is from starting QEMU to the first octet of an answer: ours asks DHCP for its address, Linux has a fixed one. The floor
is the least memory with which front page and a file of 5 MB are served. How the Linux guest is made: linux_web.py. The
process has a TAP interface, for which it takes root; without it those rows are missing.

Where the time goes is sampled in the guest (sampler.py): the modules in which its main thread was most often, while it
starts and under load. `--images FOLDER` draws both as flame graphs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks.boot import First, Verdicts, processor_seconds
from benchmarks.flame_graph import Stacks, draw, shares
from benchmarks.http import wrk
from benchmarks.linux_web import KINDS, LinuxGuest
from benchmarks.table import Table
from benchmarks.web_guest import ROOT, Rates, floor, free_port, rates, started
from examples.www import make_large_file
from fata.target.image import elf
from fata.target.image.runtime import LEAN, has_runtime
from fata.target.virtio.machine import MODELS, Forward, Machine
from fata.target.virtio.qemu import command
from tests.peers.cable import OURS, PREFIX, tap

KEPT = ROOT / "build" / "bench" / "linux"
WWW = ROOT / "examples" / "www"
MB = 1_000_000
FIRST_GOAL = 2.5  # seconds
FLOOR_GOAL = 38  # MiB: forty megabytes
SOONER_GOAL, SMALLER_GOAL = 5.0, 3.0  # times
MEMORY = 256  # MiB, where memory is not what is measured
JOB = ', main("sampler:Sampler", stack=generic_stack()))\n'
LINUX_MOST = {"whole": 256, "trimmed": 160}  # MiB that are enough
MODULES_SHOWN = 8

Command = Callable[[int, int], list[str]]
"""Makes the words that start a machine, of its MiB and the host's port that leads to its port 80."""


def make(folder: Path, *words: str) -> Path:
    """Build an image, and return it."""
    words = (sys.executable, "-m", "fata.tool.main", "build", str(folder), "-t", "virtio", *words)
    subprocess.run(words, check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    (image,) = (folder / "build" / "virtio").glob("*.elf")
    return image


def build_snapshot(folder: Path) -> Path:
    """Build an image with a snapshot, and return it under another name."""
    return make(folder, "--snapshot").rename(folder / "build" / "virtio" / "snapshot")


def build(folder: Path) -> Path:
    """Build an image, and return it without its floor, so that it can be tried with any memory."""
    image = make(folder)
    octets = image.read_bytes()
    bare = image.with_suffix(".bare")
    bare.write_bytes(elf.embed(octets, elf.read(octets).zip, floor=0))
    bare.chmod(0o755)
    return bare


def ours(model: str, image: Path) -> Command:
    """Return how our machine is started; port 9, where there is a sampler, is the next one."""

    def words(memory: int, port: int) -> list[str]:
        forwards = tuple(Forward("127.0.0.1", port + place, guest, "tcp") for place, guest in enumerate((80, 9)))
        return command(Machine(model, memory, forwards), "tcg", image, "")

    return words


def measure_machines(machines: dict[str, Command], runs: int, seconds: int) -> dict[str, tuple[First, Rates]]:
    """Return of each machine the median of its first octets, in turns, and its rates."""
    first: dict[str, list[First]] = {name: [] for name in machines}
    seen: dict[str, Rates] = {}
    for turn in range(runs):
        for name, words in machines.items():
            port = free_port()
            with started(words(MEMORY, port), "127.0.0.1", port) as (process, took):
                first[name].append(First(took, processor_seconds(process)))
                if turn == 0:
                    seen[name] = rates("127.0.0.1", port, seconds)
    medians = {name: First(*map(statistics.median, zip(*times, strict=True))) for name, times in first.items()}
    return {name: (medians[name], seen[name]) for name in machines}


def as_process(image: Path, seconds: int) -> tuple[First, Rates] | None:
    """Return the same of the image as a Linux process over TAP; None without the rights for that."""
    if os.geteuid() != 0:
        return None
    with tap() as cable, cable.near.entered():
        words = [str(image), "--ipv4", f"{OURS}/{PREFIX}"]
        with started(words, OURS, 80, {"FATA_TAP": cable.interface}) as (process, took):
            return First(took, processor_seconds(process)), rates(OURS, 80, seconds)


def rows(verdicts: Verdicts, seen: dict[str, tuple[First, Rates]]) -> None:
    """Add first octets and rates."""
    linux = next(took.wall for name, (took, _) in seen.items() if name.startswith("Linux"))
    for name, (took, _) in seen.items():
        if name.startswith(MODELS):
            verdicts.row(f"first octet, {name}", "s", took.wall, FIRST_GOAL)
            verdicts.row(f"sooner than Linux, {name}", "×", linux / took.wall, SOONER_GOAL, at_least=True)
        else:
            verdicts.table.row(f"first octet, {name}", took.wall, "s", "-", "-")
    for name, (took, _) in seen.items():  # which other load disturbs less
        verdicts.table.row(f"processor time to it, {name}", took.processor, "s", "-", "-")
    for name, (_, rate) in seen.items():
        verdicts.table.row(f"requests, {name}", rate.requests, "1/s", "-", "-")
    for name, (_, rate) in seen.items():
        verdicts.table.row(f"5 MB by curl, {name}", rate.gigabits, "Gbit/s", "-", "-")


def floors(verdicts: Verdicts, image: Path, kept: Path, guest: LinuxGuest) -> None:
    """Add the memory floors."""
    least = floor(ours("microvm", image), 16, 64, 1)
    verdicts.row("memory floor, microvm", "MiB", least, FLOOR_GOAL)
    verdicts.row("memory floor, microvm, snapshot", "MiB", floor(ours("microvm", kept), 16, 64, 1), FLOOR_GOAL)
    for kind in KINDS:
        peer = floor(lambda memory, port, kind=kind: guest.command(kind, memory, port), 32, LINUX_MOST[kind], 4)  # type: ignore[misc]
        verdicts.table.row(f"memory floor, Linux, {kind}", peer, "MiB", "-", "peer")
        verdicts.row(f"smaller than Linux, {kind}", "×", peer / least, SMALLER_GOAL, at_least=True)


def take(port: int) -> Stacks:
    """Fetch what the sampler has seen since it was last asked."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        text = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    found: Counter[tuple[str, ...]] = Counter()
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        found[tuple(stack.split(";"))] += int(count)
    return found


def sampled(scratch: Path, seconds: int) -> dict[str, Stacks]:
    """Return the stacks of a start, and of a load."""
    copy = scratch / "www"
    shutil.copytree(WWW, copy, ignore=shutil.ignore_patterns("build", "__pycache__", "test_*"))
    shutil.copy(ROOT / "benchmarks" / "sampler.py", copy)
    (copy / "app.py").write_text(f"import sampler  # first\n{(copy / 'app.py').read_text(encoding='utf-8')}")
    config = (copy / "config.py").read_text(encoding="utf-8").rstrip().removesuffix(")")
    (copy / "config.py").write_text(config + JOB)
    port = free_port()
    with started(ours("microvm", build(copy))(MEMORY, port), "127.0.0.1", port):
        boot = take(port + 1)
        wrk(f"http://127.0.0.1:{port}/", seconds, 10)
        return {"start": boot, "load": take(port + 1)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one start of each instead of three, and no floors")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="draw flame graphs there")
    given = parser.parse_args()
    runs, seconds = (1, 2) if given.quick else (3, 4)
    if has_runtime(LEAN) is None:
        sys.exit("benchmarks.unikernel needs the runtime: make runtime")
    make_large_file.main()
    kept, image, guest = build_snapshot(WWW), build(WWW), LinuxGuest(KEPT)
    with Table("examples/www, emulated (TCG)", "what", "value", "unit", "goal", "verdict") as table:
        verdicts = Verdicts(table)
        table.row("image", image.stat().st_size / MB, "MB", "-", "-")
        table.row("image with a snapshot", kept.stat().st_size / MB, "MB", "-", "-")
        for kind in KINDS:
            table.row(f"kernel and archive of Linux, {kind}", guest.size(kind) / MB, "MB", "-", "peer")
        machines: dict[str, Command] = {model: ours(model, image) for model in MODELS}
        machines |= {f"{model}, snapshot": ours(model, kept) for model in MODELS}
        machines[f"Linux {guest.version}, q35"] = lambda memory, port: guest.command("whole", memory, port)
        seen = measure_machines(machines, runs, seconds)
        process = as_process(image, seconds)
        rows(verdicts, seen if process is None else {**seen, "the image as a process over TAP": process})
        if not given.quick:
            floors(verdicts, image, kept, guest)
    with tempfile.TemporaryDirectory() as scratch:
        stacks = sampled(Path(scratch), seconds)
    for when, found in stacks.items():
        with Table(f"where the guest's time goes: {when}", "module", "% of samples") as table:
            for module, share in shares(found, MODULES_SHOWN):
                table.row(module, share * 100)
        if given.images is not None:
            (given.images / f"flame-{when}.svg").write_text(draw(found, f"examples/www on microvm, TCG: {when}"))
    if verdicts.missed:
        print(f"unikernel: goals missed: {'; '.join(verdicts.missed)}", file=sys.stderr)


if __name__ == "__main__":
    main()
