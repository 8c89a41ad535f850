"""A store at work on a disk that records, and what must be there after a power cut."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from fata.device.block import Block, Buffer
from fata.driver.block.ramdisk import RamDisk
from fata.runtime.drive import drive
from fata.sim.powercut import Record, Recorder, record_over
from fata.store.btree.errors import OutOfSpace
from fata.store.btree.opening import format_btree, open_btree
from fata.store.btree.store import Btree, Durability

UUID = bytes(range(16))
SECTOR = 512
NODE_SECTORS = 4096 // SECTOR
ROOM = 18  # pages for the tree: so few that they are soon used again
GROWTH = 8  # pages

PROBE = b"probe"  # a key that recovery writes

Content = tuple[tuple[bytes, bytes], ...]


class View(NamedTuple):
    """What a reader sees: all keys and values, and those of every named snapshot."""

    content: Content
    snapshots: tuple[tuple[str, Content], ...] = ()

    def __repr__(self) -> str:
        """Show a few octets of each value: a failure prints every view that was allowed."""
        shown = {key.decode(): (value[:4].hex(), len(value)) for key, value in self.content}
        return f"{shown} + {[name for name, _ in self.snapshots]}"


class Front:
    """The first sectors of a block: a disk that can become larger."""

    def __init__(self, block: Block, sectors: int) -> None:
        self._block = block
        self.sectors = sectors
        self.sector_size = block.sector_size
        self.read_only = False

    async def read(self, sector: int, count: int) -> bytes:
        return await self._block.read(sector, count)

    async def write(self, sector: int, data: Buffer) -> None:
        await self._block.write(sector, data)

    async def flush(self) -> None:
        await self._block.flush()

    async def discard(self, sector: int, count: int) -> None:
        await self._block.discard(sector, count)

    async def close(self) -> None:
        await self._block.close()


async def view(store: Btree) -> View:
    """Read everything."""
    content = tuple([item async for item in store.range()])
    named = []
    for name in store.snapshots():
        snapshot = await store.open_snapshot(name)
        named.append((name, tuple([item async for item in snapshot.range()])))
    return View(content, tuple(named))


async def recover(disk: Recorder) -> View:
    """Open what a power cut has left, bring it in order on the medium, and see whether it can be used."""
    store = await open_btree(disk)
    seen = await view(store)
    if len(seen.content) % 2:
        await _probe(store, b"0")  # goes on with the log where the power was cut
    else:
        await store.checkpoint()
    disk.stop()
    stats = store.stats()
    assert stats.used + stats.free + stats.fixed == stats.pages
    seen = seen._replace(content=tuple(item for item in seen.content if item[0] != PROBE))
    if len(seen.content) % 8 == 0:
        await _use(disk, store, seen)
    return seen


async def _use(disk: Recorder, store: Btree, seen: View) -> None:
    """Write something, close, and open again."""
    written = await _probe(store, b"1")
    await store.close()
    again = await view(await open_btree(disk))
    expected = {**dict(seen.content), PROBE: b"1"}
    assert dict(again.content) == expected or not written
    assert again.snapshots == seen.snapshots


async def _probe(store: Btree, value: bytes) -> bool:
    """Write something; say whether there was room."""
    try:
        await store.put(PROBE, value)
    except OutOfSpace:
        return False
    return True


def judge(seen: View, promise: object) -> None:
    """The promise is the views that are allowed."""
    assert isinstance(promise, tuple)
    assert seen in promise, f"recovered {seen}"


class Workload:
    """Random transactions, and everything else that writes; promises are kept up to date on the recorder."""

    def __init__(self, rng: Random, durability: Durability, kinds: str) -> None:
        self.rng = rng
        self.durability: Durability = durability
        self.kinds = kinds
        self.model: dict[bytes, bytes] = {}
        self.snapshots: dict[str, Content] = {}
        self.allowed: list[View] = [self.view()]  # a power cut may leave any of them
        self.doing = ""  # what writes count as, whatever they write
        self.log_pages = rng.choice((1, 1, 3))
        self.pages = 4 + self.log_pages + ROOM

    def view(self) -> View:
        """Return what a reader sees now."""
        return View(tuple(sorted(self.model.items())), tuple(self.snapshots.items()))

    def classify(self, sector: int, count: int) -> str:
        """Name the class of a write."""
        if self.doing:
            return self.doing
        page = sector // NODE_SECTORS
        if count == 1 and (page < 2 or page >= self.pages - 2):
            return "superblock"
        return "log" if page < 2 + self.log_pages else "checkpoint"

    def record(self) -> Record:
        """Play, and return what happened."""
        return drive(self._play())

    async def _play(self) -> Record:
        rng = self.rng
        ram = RamDisk((self.pages + GROWTH) * NODE_SECTORS, SECTOR)
        await format_btree(Front(ram, self.pages * NODE_SECTORS), UUID, log_octets=self.log_pages * 4096)
        await self._prepare(ram)
        self.disk = await record_over(ram, classify=self.classify)
        self.allowed = [self.view()]
        self._promise()
        self.store = await open_btree(self.disk, durability=self.durability)
        for _ in range(rng.randrange(4, 10)):
            kind = rng.choice(self.kinds)
            await {
                "t": self._transaction,
                "T": self._large_transaction,
                "x": self._extent,
                "s": self._save,
                "d": self._drop,
                "g": self._grow,
                "c": self._checkpoint,
                "f": self._flush,
                "o": self._reopen,
            }[kind]()
        return self.disk.record

    async def _prepare(self, ram: RamDisk) -> None:
        """Fill the store a little before anything is recorded, so that a short record reaches far."""
        store = await open_btree(ram)
        for number in range(self.rng.randrange(0, 40)):
            key = b"k%02d" % self.rng.randrange(30)
            self.model[key] = bytes([number]) * self.rng.choice((3, 40, 900))
            await store.put(key, self.model[key])
        if "d" in self.kinds:
            self.snapshots["old"] = self.view().content
            await store.save_snapshot("old")
        await store.close(checkpoint=self.rng.random() < 0.5)

    def _promise(self) -> None:
        self.disk.promise(tuple(self.allowed))

    def _expect(self) -> None:
        """Another state has been reached, in the course of a call."""
        self.allowed.append(self.view())
        self._promise()

    def _settle(self, durable: bool) -> None:
        """The call has returned: if it is durable, nothing else is allowed any more."""
        if durable:
            self.allowed = [self.view()]
            self._promise()

    async def _transaction(self) -> None:
        rng = self.rng
        changes: dict[bytes, bytes | None] = {}
        for _ in range(rng.choice((1, 1, 2, 5, 12))):
            key = b"k%02d" % rng.randrange(30)
            size = rng.choice((0, 3, 40, 400, 1000))
            changes[key] = None if rng.random() < 0.3 else bytes([rng.randrange(256)]) * size
        await self._change(changes)

    async def _large_transaction(self) -> None:
        """Split leaves."""
        numbers = self.rng.sample(range(30), 4)
        await self._change({b"k%02d" % number: bytes([number]) * 700 for number in numbers})

    async def _change(self, changes: dict[bytes, bytes | None]) -> None:
        before = dict(self.model)
        for key, value in changes.items():
            if value is None:
                self.model.pop(key, None)
            else:
                self.model[key] = value
        self._expect()
        try:
            async with self.store.transaction() as transaction:
                for key, value in changes.items():
                    if value is None:
                        await transaction.delete(key)
                    else:
                        await transaction.put(key, value)
        except OutOfSpace:
            self.model = before
            self._expect()
        self._settle(self.durability == "sync")

    async def _extent(self) -> None:
        self.doing = "extent"
        key = b"x%d" % self.rng.randrange(2)
        value = self.rng.randbytes(self.rng.choice((1100, 4096, 9000)))
        await self._change({key: None if self.rng.random() < 0.3 else value})
        self.doing = ""

    async def _save(self) -> None:
        name = f"s{self.rng.randrange(2)}"
        if name in self.snapshots:
            return
        self.snapshots[name] = self.view().content
        self._expect()
        try:
            await self.store.save_snapshot(name)
        except OutOfSpace:
            del self.snapshots[name]
            self._expect()
            return
        self._settle(True)

    async def _drop(self) -> None:
        if not self.snapshots:
            return
        self.doing = "snapshot drop"
        name = self.rng.choice(list(self.snapshots))
        del self.snapshots[name]
        self._expect()
        await self.store.drop_snapshot(name)
        self._settle(True)
        self.doing = ""

    async def _grow(self) -> None:
        self.doing = "grow"
        await self.store.grow()
        if self.durability != "sync":
            await self.store.flush()
        self._settle(True)
        self.doing = ""

    async def _checkpoint(self) -> None:
        await self.store.checkpoint()
        self._settle(True)

    async def _flush(self) -> None:
        await self.store.flush()
        self._settle(True)

    async def _reopen(self) -> None:
        await self.store.close(checkpoint=self.rng.random() < 0.5)
        self._settle(True)
        self.store = await open_btree(self.disk, durability=self.durability)
