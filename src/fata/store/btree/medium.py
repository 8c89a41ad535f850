"""The disk as numbered pages of a node's size."""

from __future__ import annotations

from struct import error as StructError  # noqa: N812 -- an error by another name is still a class

from fata.disk.btree import node
from fata.disk.btree.corrupt import Corrupt
from fata.disk.btree.extent import Table, table_entries
from fata.disk.btree.node import INNER, LEAF, SNAPSHOTS, TABLE, InnerContent, LeafContent
from fata.disk.btree.pointer import Pointer
from fata.disk.btree.snapshots import SnapshotEntry, snapshot_entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.device.block import Block

COPY_OCTETS = 1 << 20  # octets joined into one write, at most


class Medium:
    """Pages of a Block, for one store."""

    def __init__(self, block: Block, node_size: int, tag: int, pages: int) -> None:
        self.block = block
        self.node_size = node_size
        self.tag = tag
        self.pages = pages
        self.page_sectors = node_size // block.sector_size

    async def read(self, address: int, count: int = 1) -> bytes:
        """Return `count` pages."""
        return await self.block.read(address * self.page_sectors, count * self.page_sectors)

    async def write(self, address: int, data: bytes) -> None:
        """Write whole pages."""
        await self.block.write(address * self.page_sectors, data)

    async def leaf(self, pointer: Pointer) -> LeafContent:
        """Read a leaf. Raises `Corrupt`."""
        return node.parse_leaf(await self._node(pointer, LEAF), self.tag, pointer)

    async def inner(self, pointer: Pointer, level: int) -> InnerContent:
        """Read an inner node. Raises `Corrupt`."""
        return node.parse_inner(await self._node(pointer, INNER), self.tag, pointer, level)

    async def table(self, pointer: Pointer) -> Table:
        """Read an extent's table. Raises `Corrupt`."""
        data = await self._node(pointer, TABLE)
        count = node.check(data, self.tag, pointer, TABLE, 0)
        try:
            return table_entries(data, count)
        except StructError:
            raise Corrupt("extent table", pointer.address, f"{count} runs do not fit into it") from None

    async def snapshots(self, pointer: Pointer) -> list[SnapshotEntry]:
        """Read the table of named snapshots. Raises `Corrupt`."""
        data = await self._node(pointer, SNAPSHOTS)
        count = node.check(data, self.tag, pointer, SNAPSHOTS, 0)
        try:
            return snapshot_entries(data, count)
        except (StructError, UnicodeDecodeError):
            raise Corrupt("snapshot table", pointer.address, f"{count} snapshots do not fit into it") from None

    async def _node(self, pointer: Pointer, kind: int) -> bytes:
        if not 2 <= pointer.address < self.pages - 2:
            raise Corrupt(node.KINDS[kind], pointer.address, f"outside a store of {self.pages} pages")
        return await self.read(pointer.address)
