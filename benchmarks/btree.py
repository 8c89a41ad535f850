"""The B-tree on a disk beside sqlite3, LMDB and a dict with a log: durable batches, gets, scans, starts.

Keys of 16 random octets, values of 100; all keys in random order, then half of them again with other values, a thousand
to a durable transaction; the checkpoints that these cause, and the last one, are in the time. FATA_BTREE_KEYS says
how many: 100,000. With more than one size ("100000,1000000,5000000" for the long version) benchmarks/btree_growth.py
compares them all, and the growth is drawn into build/btree-growth.svg; benchmarks/btree_trees.py tells what of it is
the tree's, and what the processor's caches'.
"""

from __future__ import annotations

import gc
import os
import random
import shutil
import tempfile
from collections.abc import Callable
from math import log
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import NamedTuple

from benchmarks.btree_engines import ENGINES, DictAndLog, Engine, Fata
from benchmarks.btree_growth import grow
from benchmarks.btree_picture import draw
from benchmarks.btree_trees import Costs, one_or_many
from benchmarks.table import Table
from fata.blocking import drive

SIZES = [int(text) for text in os.environ.get("FATA_BTREE_KEYS", "100000").split(",")]
ROUNDS = {100_000: 3}  # of each engine; once for others
BATCH = 1000
PICTURE = Path("build/btree-growth.svg")
NAMES = "put in a batch of 1,000", "put in a batch of a hundredth", "single put", "get", "scan"


class Figures(NamedTuple):
    """What one engine did in one round."""

    puts: float  # a second
    p50: float  # ms of a commit
    p99: float
    gets: float
    scans: float
    space: float  # octets on the disk for each of payload


class Goal(NamedTuple):
    """A figure that is to be reached."""

    what: str
    reached: float
    least: float


def measure(engine: type[Engine], count: int, seed: int) -> Figures:
    """Let an engine do everything once, in a folder of its own."""
    gc.collect()  # or an engine pays for what the one before has left
    rng = random.Random(seed)
    keys = [rng.randbytes(16) for _ in range(count)]
    again = rng.sample(keys, count // 2)
    folder = Path(tempfile.mkdtemp(prefix="fata-btree-"))
    try:
        store = engine(folder, count)
        commits: list[float] = []
        start = perf_counter()
        for order in (keys, again):
            value = rng.randbytes(100)
            for first in range(0, len(order), BATCH):
                begun = perf_counter()
                store.put([(key, value) for key in order[first : first + BATCH]])
                commits.append(perf_counter() - begun)
        wanted = rng.sample(keys, min(count, 50_000))
        store.get(wanted[:5000])
        gets = rate(len(wanted), lambda: store.get(wanted))
        scans = rate(count, store.scan)
        octets = store.octets()
        closing = perf_counter()
        store.close()
        spent = sum(commits) + perf_counter() - closing
        assert start < closing
    finally:
        shutil.rmtree(folder)
    commits.sort()
    return Figures(
        len(commits) * BATCH / spent,
        commits[len(commits) // 2] * 1e3,
        commits[int(len(commits) * 0.99)] * 1e3,
        gets,
        scans,
        octets / (count * 116),
    )


def rate(count: int, call: Callable[[], object]) -> float:
    """Return how many a second."""
    start = perf_counter()
    call()
    return count / (perf_counter() - start)


def compare(count: int) -> dict[str, Figures]:
    """Print the table of one size; return the medians."""
    found: dict[str, list[Figures]] = {engine.name: [] for engine in ENGINES}
    with Table(
        f"btree, {count:,} keys", "engine", "puts/s", "commit p50 ms", "p99 ms", "gets/s", "scan/s", "space / payload"
    ) as table:
        for number in range(ROUNDS.get(count, 1)):
            for engine in ENGINES:
                found[engine.name].append(measure(engine, count, number))
        medians = {name: Figures(*map(median, zip(*rounds, strict=True))) for name, rounds in found.items()}
        for name, figures in medians.items():
            table.row(name, *figures)
    return medians


def alone(count: int) -> list[Goal]:
    """Print what only our store is asked; return the goals among it."""
    folder = Path(tempfile.mkdtemp(prefix="fata-btree-"))
    rng = random.Random(1)
    keys = [rng.randbytes(16) for _ in range(count)]
    try:
        with Table(f"btree, {count:,} keys: starts and single puts", "what", "figure", "goal") as table:
            store = Fata(folder, count)
            for first in range(0, count, BATCH):
                store.put([(key, bytes(100)) for key in keys[first : first + BATCH]])
            single, flush = singles(store, keys, folder)
            fill_log(store, keys, rng)
            used = store.store.stats().log_used / store.store.stats().log_sectors
            start, worked = perf_counter(), process_time()
            store.reopen(store.store.stats().leaves * 1000)  # octets: a fifth of the leaves or so
            opened, opened_work = perf_counter() - start, process_time() - worked
            drive(store.store.checkpoint())
            store.reopen(store.store.stats().leaves * 1000)
            wanted = rng.sample(keys, 20_000)
            worked = process_time()
            cold = rate(len(wanted), lambda: store.get(wanted))
            cold_work = len(wanted) / (process_time() - worked)
            table.row("single durable puts a second", single, "-")
            table.row("flushes of one sector a second, same disk", flush, "-")
            table.row(f"seconds to open, log {used:.0%} full", opened, "at most 0.3")
            table.row("the same, seconds of the processor", opened_work, "-")
            table.row("gets a second, one leaf in five cached", cold, "30,000")
            table.row("the same, a second of the processor", cold_work, "-")
            store.close()
    finally:
        shutil.rmtree(folder)
    return [
        Goal("a bare flush and 0.2 ms, times a single put", (1 / flush + 0.0002) * single, 1),
        Goal("openings with a full log a second", 1 / opened, 1 / 0.3),
        Goal("cold gets/s", cold, 30_000),
    ]


def singles(store: Fata, keys: list[bytes], folder: Path) -> tuple[float, float]:
    """Return durable puts and bare flushes a second, measured in turns."""
    times: tuple[list[float], list[float]] = [], []
    with (folder / "bare").open("wb", buffering=0) as bare:
        bare.write(bytes(1 << 20))
        os.fsync(bare.fileno())
        for number in range(300):
            begun = perf_counter()
            store.put([(keys[number], b"single")])
            between = perf_counter()
            os.pwrite(bare.fileno(), b"x" * 512, number * 512)
            os.fdatasync(bare.fileno())
            times[0].append(between - begun)
            times[1].append(perf_counter() - between)
    return 1 / median(times[0]), 1 / median(times[1])


def fill_log(store: Fata, keys: list[bytes], rng: random.Random) -> None:
    """Put until the log is as full as it has been at its fullest in a hundred batches."""
    fullest, stats = 0, store.store.stats()
    for number in range(200):
        if number >= 100 and stats.log_used >= fullest:
            return
        value = rng.randbytes(100)
        store.put([(key, value) for key in rng.sample(keys, BATCH)])
        stats = store.store.stats()
        fullest = max(fullest, stats.log_used) if number < 100 else fullest


def no_faster_than_log(found: dict[str, dict[int, Costs]]) -> list[Goal]:
    """Return the goals that costs in trees of different sizes grow no faster than log n, beside a dict's."""
    ours, theirs = found[Fata.name], found[DictAndLog.name]
    first, last = min(ours), max(ours)
    whole = log(last) / log(first)
    shared = log(last / BATCH) / log(first / BATCH) if first > BATCH else whole
    rows = zip(NAMES, ours[first], ours[last], theirs[first], theirs[last], strict=True)
    grown = [(name, now / then / max(later / before, 1)) for name, then, now, before, later in rows]
    return [
        Goal(f"{name}: what it may grow, times its growth", (shared if name == NAMES[0] else whole) / growth, 1)
        for name, growth in grown
    ]


def tell(goals: list[Goal]) -> None:
    """Print which goals were reached."""
    with Table("btree: goals", "what", "reached", "goal", "") as table:
        for goal in goals:
            table.row(goal.what, goal.reached, goal.least, "reached" if goal.reached >= goal.least else "missed")


def main() -> None:
    """Print everything."""
    goals: list[Goal] = []
    for count in SIZES:
        if count == 100_000:
            medians = compare(count)
            ours, theirs = medians[Fata.name], medians["sqlite3 WAL, FULL"]
            goals += [
                Goal("puts/s in batches", ours.puts, 50_000),
                Goal("puts, times sqlite's", ours.puts / theirs.puts, 3),
                Goal("hot gets/s", ours.gets, 80_000),
                Goal("hot gets, times sqlite's", ours.gets / theirs.gets, 1),
                Goal("scan/s", ours.scans, 700_000),
                *alone(count),
            ]
    if SIZES != [100_000]:
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_text(draw(grow(SIZES)), encoding="utf-8")
        goals += no_faster_than_log(one_or_many(SIZES))
    tell(goals)


if __name__ == "__main__":
    main()
