"""Checking a store without changing it, and saving what can be read of a broken one."""

from __future__ import annotations

from typing import NamedTuple

from fata.disk.btree import node
from fata.disk.btree.corrupt import Corrupt
from fata.disk.btree.extent import Extent
from fata.disk.btree.pointer import HAS_EXTENTS, Pointer
from fata.disk.btree.superblock import Superblock
from fata.store.btree.extents import chunks, spans_of
from fata.store.btree.log import Log
from fata.store.btree.medium import Medium
from fata.store.btree.mount import newest_superblock, read_superblocks
from fata.store.btree.pages import Pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fata.device.block import Block


class Report(NamedTuple):
    """What a check has found. Every page of a sound store is fixed, used or free, and none is two of them."""

    problems: list[str]
    notes: list[str]  # what is not as it should be, and does no harm
    pages: int
    fixed: int  # superblocks and log
    used: int
    free: int
    keys: int  # of the tree itself, the log's changes not counted
    extents: int
    log_records: int
    snapshots: int

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems and self.fixed + self.used + self.free == self.pages


async def check_store(block: Block) -> Report:
    """Read every node, extent and log record that a superblock leads to. Raises `NotAStore` if there is none."""
    superblock = await newest_superblock(block)
    check = _Check(block, superblock)
    await check.superblocks()
    await check.tree(superblock.root, superblock.level)
    await check.snapshots()
    await check.log()
    pages = check.pages
    return Report(
        check.problems,
        check.notes,
        pages.total,
        pages.first + 2,
        pages.in_use,
        pages.free,
        check.keys,
        check.extents,
        check.records,
        check.named,
    )


class _Check:
    def __init__(self, block: Block, superblock: Superblock) -> None:
        self._block = block
        self._superblock = superblock
        self._medium = Medium(block, superblock.node_size, superblock.tag, superblock.pages)
        self.pages = Pages(superblock.pages, superblock.log_start + superblock.log_pages)
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.keys = self.extents = self.records = self.named = 0
        self._seen: set[Pointer | bytes] = set()

    async def superblocks(self) -> None:
        """The newest should be there twice; after a power cut it may not be."""
        found = await read_superblocks(self._block)
        copies = [octet for octet, one in found if one == self._superblock]
        if len(copies) < 2:
            self.notes.append(f"superblock: generation {self._superblock.generation} is there only once")

    async def tree(self, root: Pointer, level: int, count: bool = True) -> None:
        """Check a tree; a subtree that was checked already is not looked at again."""
        waiting: list[tuple[Pointer, int, bytes, bytes | None]] = [(root, level, b"", None)]
        while waiting:
            pointer, height, low, high = waiting.pop()
            if pointer in self._seen:
                continue
            self._seen.add(pointer)
            try:
                self._mark(pointer.address, 1, node.KINDS[2 if height else 1])
                if height:
                    waiting += await self._inner(pointer, height, low, high)
                else:
                    await self._leaf(pointer, low, high, count)
            except Corrupt as error:
                self.problems.append(str(error))

    def _mark(self, address: int, count: int, what: str) -> None:
        if not self.pages.mark(address, count):
            raise Corrupt(what, address, "used twice, or outside the store")

    async def _inner(
        self, pointer: Pointer, level: int, low: bytes, high: bytes | None
    ) -> list[tuple[Pointer, int, bytes, bytes | None]]:
        content = await self._medium.inner(pointer, level)
        self._check_order(content.keys, low, high, "inner node", pointer.address)
        edges: list[bytes | None] = [low, *content.keys, high]
        return [
            (child, level - 1, edges[index] or b"", edges[index + 1])
            for index, child in reversed(list(enumerate(content.children)))
        ]

    async def _leaf(self, pointer: Pointer, low: bytes, high: bytes | None, count: bool) -> None:
        content = await self._medium.leaf(pointer)
        self._check_order(content.keys, low, high, "leaf", pointer.address)
        self.keys += len(content.keys) if count else 0
        large = [value for value in content.values if isinstance(value, Extent)]
        if bool(large) != bool(pointer.flags & HAS_EXTENTS):
            self.problems.append(f"leaf at {pointer.address}: its parent is wrong about its extents")
        for extent in large:
            await self._extent(extent)

    def _check_order(self, keys: list[bytes], low: bytes, high: bytes | None, what: str, address: int) -> None:
        if sorted(set(keys)) != keys or (keys and (keys[0] < low or (high is not None and keys[-1] >= high))):
            self.problems.append(f"{what} at {address}: its keys are out of order, or belong elsewhere")

    async def _extent(self, extent: Extent) -> None:
        if bytes(extent) in self._seen:
            return
        self._seen.add(bytes(extent))
        self.extents += 1
        for address, count, _, _ in await spans_of(self._medium, extent):
            self._mark(address, count, "extent")
        async for _ in chunks(self._medium, extent):
            pass

    async def snapshots(self) -> None:
        """Check every named snapshot."""
        pointer = self._superblock.snapshots
        if not pointer.address:
            return
        try:
            self._mark(pointer.address, 1, "snapshot table")
            entries = await self._medium.snapshots(pointer)
        except Corrupt as error:
            self.problems.append(str(error))
            return
        for entry in entries:
            self.named += 1
            await self.tree(entry.root, entry.level, count=False)

    async def log(self) -> None:
        """Check the log, and the extents that only it names."""
        log = Log(self._block, self._superblock)
        try:
            changes = await log.replay(self._superblock.log_reach)
            self.records = len(log.befores)
            for value in changes.values():
                if isinstance(value, Extent):
                    await self._extent(value)
        except Corrupt as error:
            self.problems.append(str(error))


async def salvage(block: Block) -> AsyncIterator[tuple[bytes, bytes]]:
    """Yield what can be saved of a store whose tree is broken, in no order, each key once.

    Every page is looked at; a leaf says itself that it is one, of this store and for this page. Of several
    values of a key the one from the youngest leaf is taken, then what the log says. A key that was deleted may
    come back, if the page of an old leaf has not been written over.
    """
    good = [one for _, one in await read_superblocks(block) if isinstance(one, Superblock)]
    superblock = max(good, key=lambda one: one.generation) if good else await newest_superblock(block)
    medium = Medium(block, superblock.node_size, superblock.tag, superblock.pages)
    ages: dict[bytes, int] = {}
    values: dict[bytes, bytes | None] = {}
    for address in range(superblock.log_start + superblock.log_pages, superblock.pages - 2):
        content, generation = await _leaf_at(medium, address)
        for key, value in content:
            if ages.get(key, -1) < generation:
                ages[key], values[key] = generation, value
    try:
        values.update(await Log(block, superblock).replay(0))
    except Corrupt:
        pass  # what the log would have added is lost
    for key, saved in values.items():
        if isinstance(saved, Extent):
            saved = await _whole(medium, saved)
        if saved is not None:
            yield key, saved


async def _leaf_at(medium: Medium, address: int) -> tuple[list[tuple[bytes, bytes]], int]:
    """Return the entries of the leaf at a page, and its generation; nothing if there is none."""
    data = await medium.read(address)
    header = node.Header._make(node.HEADER.unpack_from(data))
    if (header.kind, header.address, header.tag) != (node.LEAF, address, medium.tag):
        return [], 0
    try:
        content = node.parse_leaf(data, medium.tag, Pointer(address, header.generation, header.crc))
    except Corrupt:
        return [], 0
    return list(zip(content.keys, content.values, strict=True)), header.generation


async def _whole(medium: Medium, extent: Extent) -> bytes | None:
    try:
        return b"".join([piece async for piece in chunks(medium, extent)])
    except Corrupt:
        return None
