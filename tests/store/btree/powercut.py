"""A store at work on a disk that records, and what must be there after a power cut."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from fata.device.block import Block, Buffer
from fata.driver.block.ramdisk import RamDisk
from fata.runtime.drive import drive
from fata.sim.powercut import Record, Recorder, record_over
from fata.store.btree.opening import format_btree, open_btree
from fata.store.btree.store import Btree, Durability

UUID = bytes(range(16))
SECTOR = 512
NODE_SECTORS = 4096 // SECTOR
PAGES = 40
GROWN_PAGES = 48
LOG_PAGES = 1

Content = tuple[tuple[bytes, bytes], ...]


class View(NamedTuple):
    """What a reader sees: all keys and values, and those of every named snapshot."""

    content: Content
    snapshots: tuple[tuple[str, Content], ...] = ()


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
    await store.checkpoint()
    disk.stop()
    stats = store.stats()
    assert stats.used + stats.free + stats.fixed == stats.pages
    if len(seen.content) % 8 == 0:
        await _use(disk, store, seen)
    return seen


async def _use(disk: Recorder, store: Btree, seen: View) -> None:
    """Write something, close, and open again."""
    await store.put(b"probe", b"x")
    await store.close()
    again = await view(await open_btree(disk))
    assert dict(again.content) == {**dict(seen.content), b"probe": b"x"}
    assert again.snapshots == seen.snapshots


def judge(seen: View, promise: object) -> None:
    """The promise is the views that are allowed."""
    assert isinstance(promise, tuple)
    assert seen in promise, f"{_told(seen)} is none of {[_told(view) for view in promise]}"


def _told(view: View) -> str:
    return str({key: (value[:4], len(value)) for key, value in view.content}) + str([name for name, _ in view.snapshots])


class Workload:
    """Random transactions, and everything else that writes; promises are kept up to date on the recorder."""

    def __init__(self, rng: Random, durability: Durability, kinds: str) -> None:
        self.rng = rng
        self.durability: Durability = durability
        self.kinds = kinds
        self.model: dict[bytes, bytes] = {}
        self.snapshots: dict[str, Content] = {}
        self.allowed: list[View] = [self.view()]  # a power cut may leave any of them
        self.large = False  # what is being done; for `classify`
        self.doing = ""

    def view(self) -> View:
        """Return what a reader sees now."""
        return View(tuple(sorted(self.model.items())), tuple(self.snapshots.items()))

    def classify(self, sector: int, count: int) -> str:
        """Name the class of a write."""
        if self.doing:
            return self.doing
        page = sector // NODE_SECTORS
        if page < 2 or page in (PAGES - 2, PAGES - 1, GROWN_PAGES - 2, GROWN_PAGES - 1):
            return "superblock" if count == 1 else "checkpoint"
        return "log" if page < 2 + LOG_PAGES else "checkpoint"

    def record(self) -> Record:
        """Play, and return what happened."""
        return drive(self._play())

    async def _play(self) -> Record:
        rng = self.rng
        ram = RamDisk(GROWN_PAGES * NODE_SECTORS, SECTOR)
        await format_btree(Front(ram, PAGES * NODE_SECTORS), UUID, log_octets=LOG_PAGES * 4096)
        await self._prepare(ram)
        self.disk = await record_over(ram, classify=self.classify)
        self.allowed = [self.view()]
        self._promise()
        self.store = await open_btree(self.disk, durability=self.durability)
        for _ in range(rng.randrange(4, 10)):
            kind = rng.choice(self.kinds)
            await {
                "t": self._transaction, "x": self._extent, "s": self._save, "d": self._drop, "g": self._grow,
                "c": self._checkpoint, "f": self._flush, "o": self._reopen,
            }[kind]()  # fmt: skip
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

    def _expect(self, durable: bool) -> None:
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
        for key, value in changes.items():
            if value is None:
                self.model.pop(key, None)
            else:
                self.model[key] = value
        self._expect(False)
        async with self.store.transaction() as transaction:
            for key, value in changes.items():
                if value is None:
                    await transaction.delete(key)
                else:
                    await transaction.put(key, value)
        self._settle(self.durability == "sync")

    async def _extent(self) -> None:
        self.doing = "extent"
        key = b"x%d" % self.rng.randrange(3)
        if self.rng.random() < 0.3:
            self.model.pop(key, None)
            self._expect(False)
            await self.store.delete(key)
        else:
            self.model[key] = self.rng.randbytes(self.rng.choice((1100, 4096, 9000)))
            self._expect(False)
            await self.store.put(key, self.model[key])
        self._settle(self.durability == "sync")
        self.doing = ""

    async def _save(self) -> None:
        name = f"s{self.rng.randrange(2)}"
        if name in self.snapshots:
            return
        self.snapshots[name] = self.view().content
        self._expect(True)
        await self.store.save_snapshot(name)
        self._settle(True)

    async def _drop(self) -> None:
        if not self.snapshots:
            return
        self.doing = "snapshot drop"
        name = self.rng.choice(list(self.snapshots))
        del self.snapshots[name]
        self._expect(True)
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
