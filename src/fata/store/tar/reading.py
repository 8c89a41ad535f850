"""A tar archive as a store that can be read."""

from __future__ import annotations

from fata.device.kv import segments
from fata.disk.tar import BLOCK, Found, Scan, TarError, scan
from fata.store import octets
from fata.store.archive import ArchiveKv, Tree, key_of, too_deep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.device.block import Block
    from fata.disk.tar import Member
    from fata.store import archive

WHITEOUT = ".wh."  # what the last segment of a name begins with that hides another (OCI image layers)
AHEAD = 32 * BLOCK  # octets read at a time while headers are looked for


class TarKv(ArchiveKv):
    """A KvRo over a tar archive. Made by `open_tar`.

    `skipped` are the members that name nothing here, each with the reason. Values have no checksum in a tar.
    """

    def __init__(self, block: Block, tree: Tree, skipped: list[tuple[bytes, str]]) -> None:
        super().__init__(tree)
        self.skipped = skipped
        self._block = block

    async def _read(self, key: str, member: archive.Member, offset: int, length: int) -> bytes:
        place: Member = member  # type: ignore[assignment]  # the tree holds no others
        data = await octets.read(self._block, place.offset + offset, length)
        if len(data) < length:
            raise TarError(f"tar: {key!r} ends beyond the disk")
        return data


async def open_tar(block: Block) -> TarKv:
    """Read the headers of an archive that begins in sector 0. Raises `TarError`."""
    scanned = await scanned_from(block)
    tree, skipped = planted(scanned.found)
    return TarKv(block, tree, skipped)


async def scanned_from(block: Block) -> Scan:
    """Scan a disk, reading ahead where headers lie close together. Raises `TarError`."""
    walk = scan(octets.capacity(block))
    held, start = b"", 0
    answer: bytes | None = None
    while True:
        try:
            offset, length = next(walk) if answer is None else walk.send(answer)
        except StopIteration as end:
            result: Scan = end.value
            return result
        if not start <= offset or offset + length > start + len(held):
            # After a jump one header is enough; where the next is near, more of them are likely to follow.
            near = offset - start - len(held) < AHEAD
            held, start = await octets.read(block, offset, max(length, AHEAD if near else BLOCK)), offset
        answer = held[offset - start : offset - start + length]


def planted(found: list[Found]) -> tuple[Tree, list[tuple[bytes, str]]]:
    """Make the tree that an archive means, and a list of what it does not hold."""
    tree = Tree()
    skipped: list[tuple[bytes, str]] = []
    for one in found:
        key = key_of(one.name)
        if key is None or one.skipped or (not key and not one.directory):
            skipped.append((one.name, one.skipped or "no key"))
            continue
        apply(tree, segments(key), one.member)
        if too_deep(tree, len(found)):
            raise TarError(f"tar: {len(found)} members make more than {tree.made - 1} directories")
    return tree, skipped


def apply(tree: Tree, path: tuple[str, ...], member: Member | None) -> None:
    """Do to the tree what a member says: hide a name, make a dictionary, or hold a value."""
    if path and path[-1].startswith(WHITEOUT) and member is not None and not member.size:
        hidden = path[-1][len(WHITEOUT) :]
        if hidden:
            tree.remove((*path[:-1], hidden))
    elif member is None:
        tree.make(path)
    else:
        tree.plant(path, member)
