"""Making a store on a disk, and opening one."""

from __future__ import annotations

from fata.disk.btree.node import HEADER_SIZE, NODE_SIZES, serialize_leaf
from fata.disk.btree.pointer import NOTHING, Pointer
from fata.disk.btree.superblock import Superblock, serialize
from fata.errors import ConfigError, StateError
from fata.store.btree.errors import NotAStore
from fata.store.btree.mount import mount, read_superblocks
from fata.store.btree.store import CACHE_OCTETS, Btree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.device.block import Block
    from fata.store.btree.store import Durability

# The log, unless something else is asked for: this share of the disk, up to so many octets. A store uses as much of it
# as its tree is large (`pace.py`).
LOG_SHARE, LOG_LIMIT = 16, 1 << 30
ROOM = 16  # pages for the tree, at least
UUID_SIZE = 16  # octets


async def format_btree(
    block: Block, uuid: bytes, *, node_size: int = 4096, log_octets: int | None = None, force: bool = False
) -> None:
    """Make an empty store of the whole disk. A disk that holds one already is refused without `force`.

    `uuid` is 16 octets that no other store has. A power cut leaves no store, or this one.
    """
    superblock = _planned(block, uuid, node_size, log_octets)
    if not force and any(isinstance(one, Superblock) for _, one in await read_superblocks(block)):
        raise StateError("btree: the disk holds a store already")
    per_page = node_size // block.sector_size
    places = [0, 1, superblock.pages - 2, superblock.pages - 1]
    for page in places:
        await block.write(page * per_page, bytes(block.sector_size))
    await block.flush()  # from here on an older store is gone
    address = superblock.log_start + superblock.log_pages
    leaf, crc = serialize_leaf(node_size, superblock.tag, address, 1, [], [], 0)
    await block.write(address * per_page, leaf)
    await block.flush()
    data = serialize(superblock._replace(root=Pointer(address, 1, crc)))
    for page in (1, superblock.pages - 1):
        await block.write(page * per_page, data + bytes(block.sector_size - len(data)))
    await block.flush()


def _planned(block: Block, uuid: bytes, node_size: int, log_octets: int | None) -> Superblock:
    if node_size not in NODE_SIZES or node_size < block.sector_size:
        raise ConfigError(
            f"btree: nodes cannot have {node_size} octets", remedy=f"Use one of {', '.join(map(str, NODE_SIZES))}."
        )
    if len(uuid) != UUID_SIZE:
        raise StateError(f"btree: a UUID has {UUID_SIZE} octets, not {len(uuid)}")
    pages = min(block.sectors * block.sector_size // node_size, 2**32 - 1)
    if log_octets is None:
        octets = pages * node_size
        log_octets = min(octets // LOG_SHARE, LOG_LIMIT)
    log_pages = max(-(-log_octets // node_size), 1)
    if pages < 4 + log_pages + ROOM:
        raise ConfigError(
            f"btree: a disk of {pages} nodes is too small for a log of {log_pages}",
            remedy=f"Make it {(4 + log_pages + ROOM) * node_size} octets, or the log smaller.",
        )
    return Superblock(
        node_size, 0, 0, 0, 0, uuid, 1, pages, 2, log_pages, block.sector_size, 0, 0, 0, 1, NOTHING, NOTHING
    )


async def open_btree(block: Block, *, durability: Durability = "sync", cache_octets: int = CACHE_OCTETS) -> Btree:
    """Open the store on a disk; what a power cut has left undone is done in memory, and written with the next change.

    Raises `NotAStore`, `Corrupt`, and whatever the disk raises. Of two programs that write to one disk the second
    is refused at its first change.
    """
    if durability not in ("sync", "batch", "none"):
        raise ConfigError(f"btree: no durability {durability!r}", remedy="Use sync, batch or none.")
    return Btree(await mount(block), durability, cache_octets)


async def open_or_format(
    block: Block, uuid: bytes, *, durability: Durability = "sync", cache_octets: int = CACHE_OCTETS
) -> Btree:
    """Open the store on a disk; make one if the disk begins and ends with zeros."""
    try:
        return await open_btree(block, durability=durability, cache_octets=cache_octets)
    except NotAStore:
        if block.read_only or not await _is_blank(block):
            raise
    await format_btree(block, uuid)
    return await open_btree(block, durability=durability, cache_octets=cache_octets)


async def _is_blank(block: Block) -> bool:
    """Say whether the disk looks as if it had never been written to: its first and last 64 KiB are zeros."""
    count = min(65536 // block.sector_size, block.sectors)
    ends = await block.read(0, count) + await block.read(block.sectors - count, count)
    return not any(ends) and len(ends) >= HEADER_SIZE
