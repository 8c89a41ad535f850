"""Writing and reading values that are too large for a leaf."""

from __future__ import annotations

from zlib import crc32

from fata.disk.btree.corrupt import Corrupt
from fata.disk.btree.extent import (
    RUN_OCTETS,
    Extent,
    Run,
    Table,
    runs_in_table,
    table_body,
)
from fata.disk.btree.node import TABLE, seal
from fata.disk.btree.pointer import NOTHING, Pointer
from fata.store.btree.nodes import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fata.store.btree.medium import Medium
    from fata.store.btree.pages import Pages


class ExtentWriter:
    """Takes a value's octets piece by piece. End it with `finish`, or with `abandon`, which gives the pages back."""

    def __init__(self, medium: Medium, pages: Pages, generation: int) -> None:
        self._medium = medium
        self._pages = pages
        self._generation = generation
        self._waiting = bytearray()
        self._runs: list[Run] = []
        self.length = 0
        self.spans: list[Span] = []

    async def write(self, data: bytes) -> None:
        """Add octets; there must be pages for them."""
        self._waiting += data
        self.length += len(data)
        while len(self._waiting) >= RUN_OCTETS:
            piece = bytes(self._waiting[:RUN_OCTETS])
            del self._waiting[:RUN_OCTETS]
            await self._write_runs(piece)

    async def _write_runs(self, data: bytes) -> None:
        size = self._medium.node_size
        start = 0
        for address, count in self._pages.take(-(-len(data) // size), RUN_OCTETS // size):
            self.spans.append((address, count, self._generation, False))
            piece = data[start : start + count * size]
            start += len(piece)
            self._runs.append(Run(address, len(piece), crc32(piece)))
            await self._medium.write(address, piece + bytes(-len(piece) % size))

    async def finish(self) -> Extent:
        """Write what is left, and the tables; return the descriptor. A flush must follow before anything names it."""
        if self._waiting:
            await self._write_runs(bytes(self._waiting))
        size, tag = self._medium.node_size, self._medium.tag
        step = runs_in_table(size)
        following = NOTHING
        for start in reversed(range(0, len(self._runs), step)):
            runs = self._runs[start : start + step]
            ((address, _),) = self._pages.take(1)
            self.spans.append((address, 1, self._generation, False))
            header = (len(runs), TABLE, 0, tag, address, self._generation)
            data, crc = seal(size, header, table_body(Table(runs, following)))
            await self._medium.write(address, data)
            following = Pointer(address, self._generation, crc)
        return Extent.describe(self.length, following)

    def abandon(self) -> None:
        """Give every page back."""
        self._pages.give_back(self.spans)
        self.spans = []


def pages_for(octets: int, node_size: int) -> int:
    """Return how many pages an extent of so many octets takes at most."""
    data = -(-octets // node_size)
    return data + -(-data // runs_in_table(node_size))


async def spans_of(medium: Medium, extent: Extent) -> tuple[Span, ...]:
    """Return an extent's pages, its tables included. Raises `Corrupt`."""
    spans = []
    pointer = extent.table
    total = 0
    while pointer is not NOTHING:
        table = await medium.table(pointer)
        spans.append((pointer.address, 1, pointer.generation, False))
        for run in table.runs:
            spans.append((run.address, -(-run.octets // medium.node_size), pointer.generation, False))
            total += run.octets
        if not table.runs or total > extent.length:
            break
        pointer = table.next
    if total != extent.length:
        raise Corrupt("extent table", extent.table.address, f"its runs hold {total} octets, not {extent.length}")
    return tuple(spans)


async def chunks(medium: Medium, extent: Extent, offset: int = 0) -> AsyncIterator[bytes]:
    """Yield a value's octets from `offset` on, a run at a time. Raises `Corrupt`."""
    pointer = extent.table
    left = extent.length
    while pointer is not NOTHING and left > 0:
        table = await medium.table(pointer)
        for run in table.runs:
            left -= run.octets
            if offset >= run.octets:
                offset -= run.octets
                continue
            data = await _run(medium, run)
            yield data[offset:] if offset else data
            offset = 0
        pointer = table.next


async def _run(medium: Medium, run: Run) -> bytes:
    pages = -(-run.octets // medium.node_size)
    if not 2 <= run.address <= medium.pages - 2 - pages:
        raise Corrupt("extent", run.address, f"outside a store of {medium.pages} pages")
    data = (await medium.read(run.address, pages))[: run.octets]
    if crc32(data) != run.crc:
        raise Corrupt("extent", run.address, "its checksum is wrong")
    return data
