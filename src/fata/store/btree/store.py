"""The store: an ordered map of octets on a disk, which a power cut leaves as it was after some commit."""

from __future__ import annotations

from typing import Literal

from fata.disk.btree.extent import Extent
from fata.disk.btree.node import inline_limit, key_limit
from fata.errors import StateError
from fata.store.btree.admission import Admission
from fata.store.btree.bulk import rebuild
from fata.store.btree.cache import Cache
from fata.store.btree.checkpoint import Checkpoints
from fata.store.btree.commits import Commits
from fata.store.btree.errors import Failed, TooLarge
from fata.store.btree.extents import ExtentWriter, pages_for
from fata.store.btree.items import each
from fata.store.btree.lock import Lock
from fata.store.btree.named import derive, find_entry, save
from fata.store.btree.pins import Pins
from fata.store.btree.reading import Item, Kept, Reading, closed_error
from fata.store.btree.snapshot import NamedSnapshot, Snapshot, open_named
from fata.store.btree.stats import Stats
from fata.store.btree.transaction import Transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable

    from fata.store.btree.mount import Mounted
    from fata.store.btree.pins import Pin

Durability = Literal["sync", "batch", "none"]

CACHE_OCTETS = 64 << 20
BATCH_COMMITS = 64  # commits that `batch` leaves without a flush, at most
GROWTH_LEAST = 4  # pages: fewer are not worth moving the last superblocks, which must not overlap their old places
UNWRITTEN_OCTETS = 1 << 20  # changes that `none` keeps in memory only, at most


class Btree(Reading):
    """A store that is open. Made by `open_btree`.

    `durability` says what a commit that has returned is worth when the power fails:

    - "sync": it is on the medium.
    - "batch": the disk has been given it; the last 64 commits, or all since the last `flush`, may be lost.
    - "none": it is in memory; up to a megabyte of the last changes may be lost.

    Whatever is lost, it is the last commits: what is left is the state after some commit, whole.
    """

    def __init__(self, mounted: Mounted, durability: Durability, cache_octets: int) -> None:
        superblock, self.medium, self._tree, self._pages, self._log, snapshots = mounted
        super().__init__(self._tree, self.medium, Cache(cache_octets))
        self._pins = Pins(self._tree, self._pages)
        self._checkpoints = Checkpoints(
            self.medium, self._tree, self._log, self._pages, self._cache, self._pins, superblock, self._end_with
        )
        self._checkpoints.trust(snapshots)
        self._admission = Admission(self._tree, self._pages, self._pins, self._checkpoints, self._log)
        self._commits = Commits(self._tree, self._log, self._cache, self._checkpoints, self._admission, self._load)
        self._durability: Durability = durability
        self._writer = Lock()
        self._unflushed = 0  # commits
        self._versions = 0
        self._underived = False  # a snapshot has been dropped, and the pages it kept have not been found yet
        self.key_limit = key_limit(superblock.node_size)
        self.inline_limit = inline_limit(superblock.node_size)
        self.uuid = superblock.uuid

    # -- single changes

    async def put(self, key: bytes, value: bytes) -> None:
        """Store a value, durable as the store is. Raises `TooLarge`, `OutOfSpace`."""
        async with self.transaction() as transaction:
            await transaction.put(key, value)

    async def delete(self, key: bytes) -> bool:
        """Remove the key's value; say whether there was one."""
        async with self.transaction() as transaction:
            return await transaction.delete(key)

    async def test_and_set(self, key: bytes, expected: bytes | None, new: bytes | None) -> bool:
        """If the value equals `expected` (None: there is none) store `new` (None: remove it); say whether."""
        async with self.transaction() as transaction:
            return await transaction.test_and_set(key, expected, new)

    def transaction(self, durability: Durability | None = None) -> Transaction:
        """Return a transaction: `async with store.transaction() as t: await t.put(...)`."""
        return Transaction(self, durability or self._durability)

    async def flush(self) -> None:
        """Make every commit that has returned durable."""
        self._check_writable()
        self._unflushed = 0
        await self._checkpoints.flush()

    # -- what transactions are made of

    async def begin(self) -> None:
        """Wait until no other transaction is open."""
        self._check_writable()
        await self._writer.__aenter__()
        try:
            self._check_writable()
            if self._underived:
                await self._derive()
        except BaseException:
            self._writer.release()
            raise

    def end(self) -> None:
        """Let the next transaction begin."""
        self._writer.release()

    async def lookup(self, key: bytes) -> bytes | None:
        """Return a value or an extent's descriptor."""
        return await self._lookup(key)

    async def commit(self, changes: dict[bytes, bytes | None], extents: list[Extent], durability: str) -> None:
        """Make a transaction's changes, let the next one begin, and return once they are as durable as they should be.

        A cancellation or an error up to the moment when the tree changes leaves no trace.
        """
        applied = False
        try:
            if not changes:
                self.abandon(extents)
                return
            self._check_writable()
            if extents:
                kept = {value for value in changes.values() if isinstance(value, Extent)}
                self.abandon([extent for extent in extents if extent not in kept])
                extents = [extent for extent in extents if extent in kept]
                await self.medium.block.flush()
            keys = sorted(changes)
            ticket = await self._commits.make(keys, changes)
            applied = True
        finally:
            if not applied and changes:
                self.abandon(extents)
            self.end()
        await self._settle(ticket, durability)

    async def _settle(self, ticket: int, durability: str) -> None:
        if not ticket:
            return
        self._unflushed += 1
        if durability == "sync" or (durability == "batch" and self._unflushed >= BATCH_COMMITS):
            self._unflushed = 0
            await self._checkpoints.settle(ticket)
        elif durability == "batch":
            await self._checkpoints.record(ticket)
        elif self._log.pending_octets > min(UNWRITTEN_OCTETS, self._log.capacity * self._log.sector_size // 4):
            await self._checkpoints.settle(ticket)

    async def write_extent(self, pieces: Iterable[bytes] | AsyncIterable[bytes], length: int) -> Extent:
        """Write a large value; it belongs to nothing yet. Raises `OutOfSpace`, and StateError if the length differs."""
        await self._admission.admit_extent(pages_for(length, self.medium.node_size))
        writer = ExtentWriter(self.medium, self._pages, self._checkpoints.generation)
        try:
            if isinstance(pieces, list):
                for piece in pieces:
                    await writer.write(piece)
            else:
                async for piece in pieces:  # type: ignore[union-attr]
                    if writer.length + len(piece) > length:
                        raise StateError(f"btree: a value of {length} octets was announced, more have come")
                    await writer.write(piece)
            if writer.length != length:
                raise StateError(f"btree: a value of {length} octets was announced, {writer.length} have come")
            extent = await writer.finish()
        except BaseException:
            writer.abandon()
            raise
        self._tree.extents[extent] = tuple(writer.spans)
        return extent

    def abandon(self, extents: list[Extent]) -> None:
        """Give back the pages of values that nothing names."""
        for extent in extents:
            self._pages.give_back(self._tree.extents.pop(extent, ()))

    # -- snapshots

    def new_version(self) -> int:
        """Return a number that no call of this or an earlier opening has returned, if something was written there."""
        self._versions += 1
        return (self._checkpoints.superblock.generation << 24) + self._versions

    def _kept(self) -> Kept:
        if self._ended is not None:
            raise self._ended
        return _Pinned(self._pins.pin(self._checkpoints.generation))

    def snapshot(self) -> Snapshot:
        """Return the store as it is now; nobody waits for it. Close it: until then its pages are not free."""
        if self._ended is not None:
            raise self._ended
        return Snapshot(self._pins.pin(self._checkpoints.generation), self.medium, self._cache)

    async def save_snapshot(self, name: str) -> None:
        """Keep the store as it is now under a name, on the medium, until `drop_snapshot`. StateError: it exists."""
        await self.begin()
        try:
            await save(self._checkpoints, self._tree, name)
        finally:
            self.end()

    async def open_snapshot(self, name: str) -> NamedSnapshot:
        """Return a named snapshot for reading. StateError: there is none of that name."""
        return await open_named(find_entry(self._checkpoints.snapshots, name), self.medium, self._cache)

    def snapshots(self) -> list[str]:
        """Return the names of the snapshots, oldest first."""
        return [entry.name for entry in self._checkpoints.snapshots]

    async def drop_snapshot(self, name: str) -> None:
        """Forget a named snapshot; its pages are free afterwards. Reads all inner nodes."""
        await self.begin()
        try:
            entry = find_entry(self._checkpoints.snapshots, name)
            await self._checkpoints.checkpoint()
            self._checkpoints.snapshots = [one for one in self._checkpoints.snapshots if one is not entry]
            self._underived = True
            await self._derive()
        finally:
            self.end()

    async def _derive(self) -> None:
        await derive(self._checkpoints, self._tree, self._pages, self._pins, self.medium)
        self._underived = False

    # -- the whole

    async def checkpoint(self) -> None:
        """Bring everything to the tree on the medium and empty the log."""
        self._check_writable()
        await self._checkpoints.checkpoint()

    async def grow(self) -> int:
        """Take over what the disk has become larger by; return how many pages that are."""
        await self.begin()
        try:
            block, size = self.medium.block, self.medium.node_size
            pages = min(block.sectors * block.sector_size // size, 2**32 - 1)
            more = pages - self.medium.pages
            if more >= GROWTH_LEAST:
                await self._checkpoints.grow(pages)
            return max(more, 0) if more >= GROWTH_LEAST else 0
        finally:
            self.end()

    async def load(self, items: Iterable[Item] | AsyncIterable[Item]) -> int:
        """Fill an empty store with items in the order of their keys; all or nothing. Returns how many there were.

        Faster than transactions, and it leaves no gaps. StateError if the store is not empty or the order is wrong.
        """
        await self.begin()
        written: list[Extent] = []
        try:
            if await self.first() is not None:
                raise StateError("btree: a bulk load needs an empty store")
            return await rebuild(self._checkpoints, self._tree, self._pages, self._entries(each(items), written))
        except BaseException:
            self.abandon(written)
            raise
        finally:
            self.end()

    async def _entries(self, items: AsyncIterable[Item], written: list[Extent]) -> AsyncIterator[Item]:
        async for key, value in items:
            if len(key) > self.key_limit:
                raise TooLarge(f"btree: a key of {len(key)} octets, the limit is {self.key_limit}")
            if len(value) > self.inline_limit:
                value = await self.write_extent([value], len(value))
                written.append(value)
            yield key, value

    async def compact(self) -> None:
        """Rewrite the tree in the order of its keys, every leaf full. It takes as many free pages as there are leaves.

        Large values stay where they are.
        """
        await self.begin()
        try:
            await rebuild(self._checkpoints, self._tree, self._pages, self._all_entries())
            self._pages.restart()
        finally:
            self.end()

    async def _all_entries(self) -> AsyncIterator[Item]:
        with self._kept() as kept:
            async for entries, _ in self._pieces(kept, b"", None):
                for item in list(entries.items()):
                    yield item

    def stats(self) -> Stats:
        """Return the store's figures."""
        tree, log, pages = self._tree, self._log, self._pages
        superblock = self._checkpoints.superblock
        return Stats(
            node_size=superblock.node_size,
            pages=pages.total,
            fixed=pages.first + 2,
            used=pages.in_use,
            free=pages.free,
            leaves=tree.leaves,
            inner_nodes=tree.inners,
            levels=tree.levels,
            log_sectors=log.capacity,
            log_used=log.used,
            dirty_leaves=len(tree.dirty) + len(tree.fresh),
            cached_octets=self._cache.octets,
            generation=superblock.generation,
            snapshots=len(self._checkpoints.snapshots),
            readers=len(self._pins),
        )

    async def close(self, *, checkpoint: bool = True) -> None:
        """Make everything durable and end. The disk stays open: it is the caller's. A second call does nothing."""
        if self._ended is not None:
            return
        try:
            if not self.medium.block.read_only and self._checkpoints.failed is None:
                await self._checkpoints.close(checkpoint)
        finally:
            self._ended = closed_error("store")

    async def __aenter__(self) -> Btree:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _end_with(self, refusal: Failed) -> None:
        """Refuse everything: memory holds changes of which nobody knows whether the medium has them."""
        self._ended = refusal

    def _check_writable(self) -> None:
        if self._ended is not None:
            raise self._ended
        if self.medium.block.read_only:
            raise StateError("btree: the disk is read-only")
        self._checkpoints.check_usable()


class _Pinned(Kept):
    """The live tree, kept as it is now."""

    def __init__(self, pin: Pin) -> None:
        super().__init__(pin)
        self._pin = pin

    def __exit__(self, *_: object) -> None:
        self._pin.release()
