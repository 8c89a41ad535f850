"""How the engines of benchmarks/btree.py fare as the number of keys grows.

For each size and engine: sorted keys as a bulk load, everything read once, batches of a thousand random keys that fill
logs and dirty what they dirty, two puts for every five keys, and then what is timed: durable batches of a thousand,
single durable puts, gets and a scan, all of random keys that are there. Each step ends after its number or its seconds,
whichever comes first, so that five million keys take an engine at most two minutes or so. Caches are as large as the
data. What is compared is the processor's time: how long a disk's flush or other programs take does not depend on the
number of keys.
"""

from __future__ import annotations

import gc
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import log
from pathlib import Path
from time import perf_counter, process_time
from typing import NamedTuple

from benchmarks.btree_engines import ENGINES, Engine, Fata
from benchmarks.btree_picture import Point
from benchmarks.table import Table

BATCH = 1000
BATCHES, FILLING, FILL_SECONDS = 300, 0.4, 40.0  # before anything is timed: so many, or so many puts for each key
TIMED_BATCHES, TIMED_SECONDS = 100, 8.0
SINGLES, SINGLE_SECONDS = 2000, 4.0
GETS = 50_000
CACHE_OCTETS = 300  # for each key: 116 of payload, the rest is what objects take


class Costs(NamedTuple):
    """What an operation costs, in µs."""

    load: float
    put: float  # in a batch
    work: float  # the processor's part of it
    single: float  # of the processor
    get: float  # of the processor
    scan: float


def grow(sizes: list[int]) -> list[Point]:
    """Print a table for each size, and how costs compare to log n; return what the picture shows."""
    costs: dict[tuple[str, int], Costs] = {}
    for count in sizes:
        keys = sorted_keys(count)
        gc.freeze()  # the collector is not to walk through our keys in an engine's time
        with Table(
            f"btree growth, {count:,} keys",
            "engine",
            "loads/s",
            "puts/s",
            "µs a put",
            "µs a single put",
            "µs a get",
            "scan/s",
        ) as table:
            for engine in ENGINES:
                one = costs[engine.name, count] = measure(engine, keys)
                rates = 1e6 / one.load, 1e6 / one.put, one.work, one.single, one.get, 1e6 / one.scan
                table.row(engine.name, *rates)
    compare(sizes, costs)
    return [Point(name, count, 1e6 / one.put, 1e6 / one.get) for (name, count), one in costs.items()]


def sorted_keys(count: int) -> list[bytes]:
    """Return random keys of 16 octets, in order."""
    octets = random.Random(count).randbytes(16 * count)
    return sorted(octets[start : start + 16] for start in range(0, len(octets), 16))


def measure(engine: type[Engine], keys: list[bytes]) -> Costs:
    """Let an engine do everything, in a folder of its own."""
    rng = random.Random(len(keys))
    with new_folder() as folder:
        store = engine(folder, len(keys), max(len(keys) * CACHE_OCTETS, 64 << 20))
        value = rng.randbytes(100)
        load = cost(len(keys), lambda: store.load([(key, value) for key in keys]))
        store.scan()
        batches(store, keys, rng, max(BATCHES, int(len(keys) * FILLING) // BATCH), FILL_SECONDS)
        before = written(store)
        put, work, puts = batches(store, keys, rng, TIMED_BATCHES, TIMED_SECONDS)
        if isinstance(store, Fata):
            print(f"{len(keys):,} keys: {store.name} wrote {(written(store) - before) / puts:,.0f} octets a put\n")
        single = singles(store, keys, rng)
        wanted = rng.choices(keys, k=GETS)
        store.get(wanted[:5000])
        start = process_time()
        store.get(wanted)
        get = (process_time() - start) * 1e6 / GETS
        scan = cost(len(keys), store.scan)
        store.close()
    return Costs(load, put, work, single, get, scan)


@contextmanager
def new_folder() -> Iterator[Path]:
    """Make a folder for the length of a block, in a process that has no garbage."""
    gc.collect()
    folder = Path(tempfile.mkdtemp(prefix="fata-btree-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def cost(count: int, call: Callable[[], object]) -> float:
    """Return µs for each of what a call does."""
    start = perf_counter()
    call()
    return (perf_counter() - start) * 1e6 / count


def batches(
    store: Engine, keys: list[bytes], rng: random.Random, most: int, seconds: float
) -> tuple[float, float, int]:
    """Put batches of random keys; return µs a put, those of the processor, and how many there were."""
    spent, worked, done = 0.0, 0.0, 0
    while done < most and spent < seconds:
        value = rng.randbytes(100)
        items = [(key, value) for key in rng.choices(keys, k=BATCH)]
        start, busy = perf_counter(), process_time()
        store.put(items)
        spent += perf_counter() - start
        worked += process_time() - busy
        done += 1
    return spent * 1e6 / (done * BATCH), worked * 1e6 / (done * BATCH), done * BATCH


def written(store: Engine) -> int:
    """Return how many octets our store has given its disk."""
    return store.disk.counters.written_octets if isinstance(store, Fata) else 0


def singles(store: Engine, keys: list[bytes], rng: random.Random) -> float:
    """Put single keys, each durably; return µs of the processor for each."""
    wanted = rng.choices(keys, k=SINGLES)
    end, done = perf_counter() + SINGLE_SECONDS, 0
    start = process_time()
    for key in wanted:
        if perf_counter() > end:
            break
        store.put([(key, b"single")])
        done += 1
    return (process_time() - start) * 1e6 / done


def compare(sizes: list[int], costs: dict[tuple[str, int], Costs]) -> None:
    """Print how many times what it is at the first size each operation costs, beside how log n grows."""
    first = sizes[0]
    with Table(
        f"btree growth: costs, times those at {first:,} keys",
        "keys",
        "engine",
        "put",
        "its work",
        "single put",
        "get",
        "scan",
    ) as table:
        for count in sizes[1:]:
            grown = log(count) / log(first)
            table.row(f"{count:,}", "log n", grown, grown, grown, grown, "-")
            for engine in ENGINES:
                now, then = costs[engine.name, count], costs[engine.name, first]
                table.row(f"{count:,}", engine.name, *(a / b for a, b in zip(now[1:], then[1:], strict=True)))
