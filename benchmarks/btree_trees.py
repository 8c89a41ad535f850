"""What an operation costs in one large tree, and in many small ones that hold the same keys together.

The processor's caches keep most of 100,000 keys and little of five million, so that even a dict, which looks at one
place whatever its size, takes three times as long. Here the memory in use is the same at every size: fifty trees of
100,000 keys, five of a million, one of five million, taken in turns at random; and as many dicts with a log, whose
costs should not grow at all then. What still grows is the tree's.

A batch shares the way to its leaves, the more the denser its keys lie: k of n sorted keys cost log (n / k) each. So
puts are measured in batches of a thousand and in batches of a hundredth of the keys.
"""

from __future__ import annotations

import gc
import random
from collections.abc import Callable
from math import log
from pathlib import Path
from statistics import median
from time import process_time
from typing import NamedTuple

from benchmarks.btree_engines import DictAndLog, Engine, Fata
from benchmarks.btree_growth import BATCH, CACHE_OCTETS, FILLING, SINGLES, new_folder, sorted_keys
from benchmarks.own_process import in_own_process
from benchmarks.table import Table

SHARE = 100  # a batch of a hundredth of the keys
PUTS, ROUNDS = 500_000, 5
GETS = 200_000
RUN = 20  # gets from one tree before it is another's turn
OPERATIONS = "put, of 1,000", "put, of a hundredth", "single put", "get", "scan"


class Costs(NamedTuple):
    """µs of the processor."""

    batch: float  # a put in a batch of a thousand
    share: float  # a put in a batch of a hundredth of the keys
    single: float
    get: float
    scan: float  # a key


class Forest:
    """Trees of one engine, each with its part of the keys."""

    def __init__(self, engine: type[Engine], folder: Path, keys: list[bytes], count: int) -> None:
        self.rng = random.Random(count)
        shuffled = keys.copy()
        self.rng.shuffle(shuffled)
        self.parts = [sorted(shuffled[start : start + count]) for start in range(0, len(keys), count)]
        self.trees: list[Engine] = []
        value = self.rng.randbytes(100)
        for number, part in enumerate(self.parts):
            place = folder / str(number)
            place.mkdir()
            tree = engine(place, count, count * CACHE_OCTETS)
            tree.load([(key, value) for key in part])
            tree.scan()
            self.trees.append(tree)

    def put(self, batch: int, puts: int) -> float:
        """Put random keys that are there, a batch to a random tree; return what one costs: a median of rounds."""
        rounds = [0.0] * ROUNDS
        count = max(puts // batch // ROUNDS, 1)
        for turn in range(ROUNDS):
            for _ in range(count):
                number = self.rng.randrange(len(self.trees))
                value = self.rng.randbytes(100)
                items = [(key, value) for key in self.rng.choices(self.parts[number], k=batch)]
                start = process_time()
                self.trees[number].put(items)
                rounds[turn] += process_time() - start
        return median(rounds) * 1e6 / (count * batch)

    def get(self) -> float:
        """Get random keys; return what one costs."""
        order = [self.rng.randrange(len(self.trees)) for _ in range(GETS // RUN)]
        runs = [(self.trees[number], self.rng.choices(self.parts[number], k=RUN)) for number in order]
        return busy(lambda: [tree.get(run) for tree, run in runs]) / GETS

    def costs(self) -> Costs:
        """Measure everything."""
        keys = sum(map(len, self.parts))
        count = len(self.parts[0])
        self.put(BATCH, int(keys * FILLING))
        batch, share = self.put(BATCH, PUTS), self.put(count // SHARE, PUTS)
        single, get = self.put(1, SINGLES), self.get()
        scan = busy(lambda: [tree.scan() for tree in self.trees]) / keys
        for tree in self.trees:
            tree.close()
        return Costs(batch, share, single, get, scan)


def measure(engine: type[Engine], total: int, count: int) -> Costs:
    """Measure trees of an engine with so many keys in all and in each."""
    keys = sorted_keys(total)
    gc.freeze()
    with new_folder() as folder:
        return Forest(engine, folder, keys, count).costs()


def busy(call: Callable[[], object]) -> float:
    """Return how long the processor works for a call, in µs."""
    start = process_time()
    call()
    return (process_time() - start) * 1e6


def one_or_many(sizes: list[int]) -> dict[str, dict[int, Costs]]:
    """Print what operations cost in trees of each size; return it by engine and size."""
    total = max(sizes)
    found: dict[str, dict[int, Costs]] = {}
    with Table(
        f"btree, {total:,} keys in one tree or in many: µs of the processor",
        "engine",
        "trees",
        "keys in each",
        *OPERATIONS,
    ) as table:
        for engine in (Fata, DictAndLog):
            for count in sizes:
                costs = in_own_process(measure, engine, total, count)
                found.setdefault(engine.name, {})[count] = costs
                table.row(engine.name, total // count, f"{count:,}", *costs)
    compare(sizes, found)
    return found


def compare(sizes: list[int], found: dict[str, dict[int, Costs]]) -> None:
    """Print how costs grow beside log n, and beside log (n / k) for batches of k."""
    first = sizes[0]
    with Table(
        f"btree, as many keys in all: costs, times those in trees of {first:,}",
        "keys in each",
        "engine",
        *OPERATIONS,
    ) as table:
        for count in sizes[1:]:
            grown = log(count) / log(first)
            sharing = log(count / BATCH) / log(first / BATCH) if first > BATCH else grown
            table.row(f"{count:,}", "log n; log (n / 1,000)", sharing, grown, grown, grown, "-")
            for name, costs in found.items():
                ratios = (now / then for now, then in zip(costs[count], costs[first], strict=True))
                table.row(f"{count:,}", name, *ratios)
