"""Octets of a disk, wherever its sectors begin."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.device.block import Block


def capacity(block: Block) -> int:
    """Octets on a disk."""
    return block.sectors * block.sector_size


async def read(block: Block, offset: int, length: int) -> bytes:
    """Return `length` octets from `offset` on, fewer only at the disk's end."""
    length = min(length, capacity(block) - offset)
    if length <= 0:
        return b""
    size = block.sector_size
    first, end = offset // size, -(-(offset + length) // size)
    octets = await block.read(first, end - first)
    skip = offset - first * size
    return octets if not skip and len(octets) == length else octets[skip : skip + length]
