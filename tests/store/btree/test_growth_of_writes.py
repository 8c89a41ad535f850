"""A put writes as much whatever the number of keys, since a store uses as much of its log as its tree is large."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import pytest

from fata.driver.block.ramdisk import RamDisk
from fata.driver.block.statistics import CountingBlock
from fata.runtime.drive import drive
from fata.store.btree import pace
from fata.store.btree.opening import format_btree, open_btree
from fata.store.btree.pace import Pace
from tests.store.btree.stores import UUID

SIZES = (1_000, 10_000)  # keys
VALUE = 200  # octets
SHARE = 100  # a commit changes a hundredth of the keys

pytestmark = pytest.mark.slow


async def octets_a_put(count: int) -> float:
    """Return what a put writes when the log is as full as it gets."""
    disk = CountingBlock(RamDisk(count * 4))
    await format_btree(disk, UUID)
    store = await open_btree(disk, cache_octets=1 << 30)
    rng = random.Random(count)
    keys = sorted(rng.randbytes(16) for _ in range(count))

    async def items() -> AsyncIterator[tuple[bytes, bytes]]:
        for key in keys:
            yield key, bytes(VALUE)

    async def put(puts: int) -> None:
        for _ in range(puts * SHARE // count):
            value = rng.randbytes(VALUE)
            async with store.transaction() as transaction:
                await transaction.put_all(dict.fromkeys(rng.choices(keys, k=count // SHARE), value))

    await store.load(items())
    await put(count)
    before = disk.counters.written_octets
    await put(2 * count)
    return (disk.counters.written_octets - before) / (2 * count)


@pytest.fixture
def tree_alone(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Leave stores no more of their log than their tree is worth, however small it is."""
    monkeypatch.setattr(pace, "LOG_ENOUGH", 0)
    return monkeypatch


def test_a_put_writes_as_much_at_ten_times_the_keys(tree_alone: pytest.MonkeyPatch) -> None:
    small, large = (drive(octets_a_put(count)) for count in SIZES)
    assert large < 1.1 * small


def test_a_log_of_one_size_is_found_out(tree_alone: pytest.MonkeyPatch) -> None:
    tree_alone.setattr(Pace, "window", lambda self: 128)
    small, large = (drive(octets_a_put(count)) for count in SIZES)
    assert large > 1.5 * small
