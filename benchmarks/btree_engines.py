"""The engines that benchmarks/btree.py compares: one durable transaction for each batch, whatever they call it."""

from __future__ import annotations

import os
import sqlite3
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Protocol

from fata.blocking import drive
from fata.driver.block.file import open_file_block
from fata.driver.block.statistics import CountingBlock
from fata.store.btree.opening import format_btree, open_btree
from fata.store.btree.store import Btree

OCTETS_A_KEY = 700  # of a disk, for each key: four times what is stored, so that space is no matter
SMALLEST = 64 << 20  # octets
CACHE = 256 << 20  # octets

LOADED = 100_000  # items that the log takes at once


class Engine(Protocol):
    """A store in a folder."""

    name: str

    def __init__(self, folder: Path, keys: int, cache: int = CACHE) -> None:
        """Make an empty one, for about so many keys, with so many octets of cache if it has one."""
        ...

    def load(self, items: list[tuple[bytes, bytes]]) -> None:
        """Fill it, durably, with items in the order of their keys, in the way that is quickest."""
        ...

    def put(self, items: list[tuple[bytes, bytes]]) -> None:
        """Store a batch, durably."""
        ...

    def get(self, keys: list[bytes]) -> int:
        """Read values one by one; return how many octets they have."""
        ...

    def scan(self) -> int:
        """Read everything in order; return how many keys there are."""
        ...

    def close(self) -> None:
        """End, with everything where it belongs."""
        ...

    def octets(self) -> int:
        """Return what it takes on the disk."""
        ...


class Fata:
    """Our B-tree in an image."""

    name = "fata B-tree"

    def __init__(self, folder: Path, keys: int, cache: int = CACHE) -> None:
        self.cache = cache
        self.disk = CountingBlock(
            drive(open_file_block(str(folder / "image"), create_sectors=max(keys * OCTETS_A_KEY, SMALLEST) // 512))
        )
        drive(format_btree(self.disk, os.urandom(16)))
        self.store: Btree = drive(open_btree(self.disk, cache_octets=cache))

    def load(self, items: list[tuple[bytes, bytes]]) -> None:
        async def entries() -> AsyncIterator[tuple[bytes, bytes]]:
            for item in items:
                yield item

        drive(self.store.load(entries()))

    def put(self, items: list[tuple[bytes, bytes]]) -> None:
        async def go() -> None:
            async with self.store.transaction() as transaction:
                await transaction.put_all(items)

        drive(go())

    def get(self, keys: list[bytes]) -> int:
        async def go() -> int:
            get = self.store.get
            return sum([len(await get(key) or b"") for key in keys])

        return drive(go())

    def scan(self) -> int:
        async def go() -> int:
            count = 0
            async for _ in self.store.range():
                count += 1
            return count

        return drive(go())

    def reopen(self, cache: int) -> None:
        """Open again as after a power cut, with another cache."""
        self.store = drive(open_btree(self.disk, cache_octets=cache))

    def close(self) -> None:
        drive(self.store.close())

    def octets(self) -> int:
        stats = self.store.stats()
        return (stats.used + stats.fixed) * stats.node_size


class Sqlite:
    """sqlite3 of the standard library: a WAL, every commit synced."""

    name = "sqlite3 WAL, FULL"

    def __init__(self, folder: Path, keys: int, cache: int = CACHE) -> None:
        self.folder = folder
        self.base = sqlite3.connect(folder / "base", isolation_level=None)
        for pragma in ("journal_mode=wal", "synchronous=full", f"cache_size=-{cache >> 10}"):
            self.base.execute(f"pragma {pragma}")
        self.base.execute("create table t (k blob primary key, v blob) without rowid")

    def load(self, items: list[tuple[bytes, bytes]]) -> None:
        self.put(items)

    def put(self, items: list[tuple[bytes, bytes]]) -> None:
        self.base.execute("begin")
        self.base.executemany("insert or replace into t values (?, ?)", items)
        self.base.execute("commit")

    def get(self, keys: list[bytes]) -> int:
        execute = self.base.execute
        return sum([len(execute("select v from t where k = ?", (key,)).fetchone()[0]) for key in keys])

    def scan(self) -> int:
        count = 0
        for _ in self.base.execute("select k, v from t order by k"):
            count += 1
        return count

    def close(self) -> None:
        self.base.close()

    def octets(self) -> int:
        return sum(file.stat().st_size for file in self.folder.iterdir())


class Lmdb:
    """py-lmdb: a memory map, every commit synced."""

    name = "py-lmdb"

    def __init__(self, folder: Path, keys: int, cache: int = CACHE) -> None:
        import lmdb

        self.folder = folder
        self.base: Any = lmdb.open(str(folder), map_size=max(keys * OCTETS_A_KEY * 2, SMALLEST))

    def load(self, items: list[tuple[bytes, bytes]]) -> None:
        with self.base.begin(write=True) as transaction:
            transaction.cursor().putmulti(items, append=True)

    def put(self, items: list[tuple[bytes, bytes]]) -> None:
        with self.base.begin(write=True) as transaction:
            put = transaction.put
            for key, value in items:
                put(key, value)

    def get(self, keys: list[bytes]) -> int:
        with self.base.begin() as transaction:
            get = transaction.get
            return sum([len(get(key)) for key in keys])

    def scan(self) -> int:
        count = 0
        with self.base.begin() as transaction:
            for _ in transaction.cursor():
                count += 1
        return count

    def close(self) -> None:
        self.base.close()

    def octets(self) -> int:
        return (self.folder / "data.mdb").stat().st_blocks * 512


class DictAndLog:
    """A dict, and a file to which every batch is appended and synced: the least that is durable."""

    name = "dict + append log"

    def __init__(self, folder: Path, keys: int, cache: int = CACHE) -> None:
        self.file = (folder / "log").open("wb", buffering=0)
        self.values: dict[bytes, bytes] = {}

    def load(self, items: list[tuple[bytes, bytes]]) -> None:
        for first in range(0, len(items), LOADED):
            self.put(items[first : first + LOADED])

    def put(self, items: list[tuple[bytes, bytes]]) -> None:
        self.values.update(items)
        self.file.write(b"".join([b"%4d%4d%b%b" % (len(key), len(value), key, value) for key, value in items]))
        os.fdatasync(self.file.fileno())

    def get(self, keys: list[bytes]) -> int:
        values = self.values
        return sum([len(values[key]) for key in keys])

    def scan(self) -> int:
        count = 0
        for _ in self._in_order():
            count += 1
        return count

    def _in_order(self) -> Iterator[tuple[bytes, bytes]]:
        keys = sorted(self.values)
        first = bisect_left(keys, b"")
        return ((key, self.values[key]) for key in keys[first:])

    def close(self) -> None:
        self.file.close()

    def octets(self) -> int:
        return os.stat(self.file.name).st_size


ENGINES: list[type[Engine]] = [Fata, Sqlite, Lmdb, DictAndLog]
