"""What an operation costs as the number of keys grows, counted without a clock: no faster than log n.

Keys are long and begin alike, so that a node holds few of them and a hundred times the keys make the tree two levels
higher. The log has one size for all: what a small tree gains by waiting in it is not to count for a large one.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from math import ceil, log, log2
from typing import NamedTuple

import pytest

from fata.device.block import Buffer
from fata.disk.btree.node import HEADER, INNER, LEAF
from fata.driver.block.over import OverBlock
from fata.driver.block.ramdisk import RamDisk
from fata.runtime.drive import drive
from fata.store.btree.bulk import every_node
from fata.store.btree.checkpoint import Checkpoints
from fata.store.btree.nodes import Inner, Leaf, Node
from fata.store.btree.opening import format_btree, open_btree
from fata.store.btree.store import Btree
from tests.store.btree.stores import UUID

SIZES = (500, 5_000, 50_000)  # keys
NODE = 4096  # octets
LOG_PAGES = 8
ALIKE = bytes(230)  # how each key begins
LEAST = 7  # entries and children of a node that is half full: each takes some 250 octets
BATCH = 50  # keys in a commit
SAMPLE = 300  # operations that are counted


class CountedKey(bytes):
    """A key that counts how often it is compared."""

    comparisons = 0

    def __hash__(self) -> int:
        return hash(bytes(self))

    def __eq__(self, other: object) -> bool:
        CountedKey.comparisons += 1
        return bytes(self) == other

    def __lt__(self, other: bytes) -> bool:
        CountedKey.comparisons += 1
        return bytes(self) < other

    def __gt__(self, other: bytes) -> bool:
        CountedKey.comparisons += 1
        return bytes(self) > other

    def __le__(self, other: bytes) -> bool:
        CountedKey.comparisons += 1
        return bytes(self) <= other

    def __ge__(self, other: bytes) -> bool:
        CountedKey.comparisons += 1
        return bytes(self) >= other


class NodeCounter(OverBlock):
    """A disk that counts the nodes which go to it, by kind, and the reads."""

    def __init__(self, sectors: int) -> None:
        super().__init__(RamDisk(sectors))
        self.written = {LEAF: 0, INNER: 0}
        self.octets = 0
        self.reads = 0

    async def read(self, sector: int, count: int) -> bytes:
        """Count and read."""
        self.reads += 1
        return await super().read(sector, count)

    async def write(self, sector: int, data: Buffer) -> None:
        """Count and write."""
        octets = bytes(data)
        self.octets += len(octets)
        if sector * self.sector_size >= (2 + LOG_PAGES) * NODE and len(octets) % NODE == 0:
            for start in range(0, len(octets), NODE):
                self.written[HEADER.unpack_from(octets, start)[2]] += 1
        await super().write(sector, data)


class Written(NamedTuple):
    """What a put makes the store write: nodes of both kinds, and octets."""

    leaves: float
    inners: float
    octets: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Means for each operation, at one size."""

    keys: int
    levels: int
    compared: float  # keys that a get looks at
    compared_by_put: float
    batched: Written
    single: Written  # by a put that is durable by itself
    reads: float  # by a get whose leaf is not in memory


def keys_of(count: int) -> list[bytes]:
    """Return sorted keys."""
    rng = random.Random(count)
    return sorted(ALIKE + rng.randbytes(10) for _ in range(count))


async def loaded(keys: list[bytes]) -> tuple[Btree, NodeCounter]:
    """Return a store with these keys, and its disk."""
    disk = NodeCounter(len(keys) * 2 + 1024)
    await format_btree(disk, UUID, node_size=NODE, log_octets=LOG_PAGES * NODE)
    store = await open_btree(disk, cache_octets=1 << 30)

    async def items() -> AsyncIterator[tuple[bytes, bytes]]:
        for key in keys:
            yield key, b"value"

    await store.load(items())
    return store, disk


async def put(store: Btree, keys: list[bytes], batch: int, value: bytes) -> None:
    """Put values, `batch` to a durable commit."""
    for start in range(0, len(keys), batch):
        async with store.transaction() as transaction:
            await transaction.put_all(dict.fromkeys(keys[start : start + batch], value))


async def written_by_puts(store: Btree, disk: NodeCounter, keys: list[bytes], batch: int) -> Written:
    """Return what a put writes in the steady state, when the log is full of its like: over several closings."""
    rng = random.Random(batch)

    async def until_closed(times: int) -> int:
        """Put until so many closings are done; return how many puts that were."""
        end = store.stats().generation + times
        puts = 0
        while store.stats().generation < end:
            await put(store, rng.choices(keys, k=BATCH), batch, rng.randbytes(5))
            puts += BATCH
        return puts

    await until_closed(3)
    before = disk.written[LEAF], disk.written[INNER], disk.octets
    puts = await until_closed(4)
    after = disk.written[LEAF], disk.written[INNER], disk.octets
    return Written(*((now - then) / puts for now, then in zip(after, before, strict=True)))


async def compared(keys: list[bytes], operate: Callable[[bytes], Awaitable[object]]) -> float:
    """Return how many keys an operation compares, on average."""
    CountedKey.comparisons = 0
    for key in keys:
        await operate(CountedKey(key))
    return CountedKey.comparisons / len(keys)


async def measure(count: int) -> Cost:
    """Count everything at one size."""
    keys = keys_of(count)
    sample = random.Random(1).choices(keys, k=SAMPLE)
    store, disk = await loaded(keys)
    by_get = await compared(sample, store.get)
    by_put = await compared(sample[:50], lambda key: store.put(key, b"other"))
    batched = await written_by_puts(store, disk, keys, BATCH)
    single = await written_by_puts(store, disk, keys, 1)
    levels = store.stats().levels
    await store.close()
    cold = await open_btree(disk, cache_octets=1)
    before = disk.reads
    for key in sample:
        assert await cold.get(key) is not None
    return Cost(count, levels, by_get, by_put, batched, single, (disk.reads - before) / SAMPLE)


@cache
def costs() -> list[Cost]:
    """Return what everything costs at each size."""
    return [drive(measure(count)) for count in SIZES]


def check_reads(found: list[Cost]) -> None:
    """A get visits a node a level, compares keys as a binary search does, and reads one page at most."""
    for cost in found:
        assert cost.levels <= ceil(log(cost.keys / LEAST, LEAST))
        most = log2(cost.keys) + cost.levels + 1  # each level rounds up; the leaf compares what its dict has found
        assert cost.compared <= most
        assert cost.compared_by_put <= most + 3  # it also asks whether the leaf has the key, and stores under it
        assert cost.reads <= 1
    first = found[0]
    for cost in found[1:]:
        grown = log(cost.keys) / log(first.keys)
        assert cost.compared <= first.compared * grown + cost.levels
        assert cost.compared_by_put <= first.compared_by_put * grown + cost.levels


def check_writes(found: list[Cost]) -> None:
    """A put writes its way from the root at most, and its record."""
    for cost in found:
        for written in (cost.batched, cost.single):
            assert written.leaves <= 1.1
            assert written.inners <= cost.levels
            assert written.octets <= NODE * (written.leaves + written.inners) + 1024


def test_reads_cost_log_n() -> None:
    check_reads(costs())


def test_puts_write_no_more_than_a_path() -> None:
    check_writes(costs())


def test_a_linear_search_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def linear(node: Node, key: bytes) -> Leaf:
        while isinstance(node, Inner):
            node = node.children[sum(separator <= key for separator in node.keys)]
        return node

    found = costs()[:1]
    monkeypatch.setattr("fata.store.btree.reading.find", linear)
    with pytest.raises(AssertionError):
        check_reads([*found, drive(measure(SIZES[1]))])


def test_a_closing_that_writes_every_leaf_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    close = Checkpoints._close

    async def everything(self: Checkpoints, all_leaves: bool) -> None:
        for leaf in every_node(self._tree.root):
            if isinstance(leaf, Leaf) and leaf.since < 0 and leaf.resident:
                leaf.since = self._log.head
                self._tree.dirty[leaf] = None
        await close(self, all_leaves=True)

    monkeypatch.setattr(Checkpoints, "_close", everything)
    with pytest.raises(AssertionError):
        check_writes([drive(measure(SIZES[1]))])
