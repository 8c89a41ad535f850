"""A zip archive as a store that can be read."""

from __future__ import annotations

import zlib

from fata.device.kv import KvError, segments
from fata.disk.zip import (
    DEFLATED,
    ENCRYPTED,
    END,
    LOCAL,
    LOCATOR,
    MOST_COMMENT,
    STORED,
    Member,
    ZipError,
    content_offset,
    find_end,
    parse_directory,
    parse_end,
)
from fata.store import octets
from fata.store.archive import ArchiveKv, Tree, key_of, too_deep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.device.block import Block
    from fata.store import archive

WINDOW = 1 << 16  # octets read at a time
NAMES = 128  # octets: a member's name and extra field are seldom longer


class ZipKv(ArchiveKv):
    """A KvRo over a zip archive. Made by `open_zip`. Members whose names are no keys are `skipped`.

    A part of a deflated value is unpacked from its beginning.
    """

    def __init__(self, block: Block, tree: Tree, skipped: list[bytes]) -> None:
        super().__init__(tree)
        self.skipped = skipped
        self._block = block

    async def _read(self, key: str, member: archive.Member, offset: int, length: int) -> bytes:
        entry: Member = member  # type: ignore[assignment]  # the tree holds no others
        if entry.flags & ENCRYPTED or entry.method not in (STORED, DEFLATED):
            raise KvError(key, f"is encrypted or packed in a way that is not supported (method {entry.method})")
        # The header of a small member and its content come with one read, unless its name is long.
        ahead = entry.compressed + NAMES if entry.compressed <= WINDOW else 0
        head = await octets.read(self._block, entry.header, LOCAL.size + ahead)
        begin = content_offset(head[: LOCAL.size], entry)
        packed = head[begin - entry.header : begin - entry.header + entry.compressed]
        if entry.method == DEFLATED:
            data = (await self._inflated(key, entry, begin, packed, offset + length))[offset:]
        elif len(packed) == entry.compressed:
            data = packed[offset : offset + length]
        else:
            data = await octets.read(self._block, begin + offset, length)
        if len(data) != length:
            raise ZipError(f"zip: {key!r} ends before it should")
        if length == entry.size and zlib.crc32(data) != entry.crc:
            raise ZipError(f"zip: {key!r} is damaged, its checksum is not {entry.crc:#010x}")
        return data

    async def _inflated(self, key: str, entry: Member, begin: int, whole: bytes, end: int) -> bytes:
        """Unpack a value as far as `end`. `whole` is all that is packed, if it has been read already."""
        unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
        pieces: list[bytes] = []
        for position in range(0, entry.compressed, WINDOW):
            packed = whole
            if len(whole) < entry.compressed:
                packed = await octets.read(self._block, begin + position, min(WINDOW, entry.compressed - position))
            try:
                while packed and end > 0:
                    pieces.append(unpacking.decompress(packed, end))
                    end -= len(pieces[-1])
                    packed = unpacking.unconsumed_tail
            except zlib.error as error:
                raise ZipError(f"zip: {key!r} is damaged: {error}") from None
            if end <= 0 or unpacking.eof:
                break
        return b"".join(pieces)


async def open_zip(block: Block) -> ZipKv:
    """Read the directory of an archive that begins in sector 0; zeros may follow it. Raises `ZipError`."""
    end = await _last_octet(block)
    begin = max(end - END.size - MOST_COMMENT - LOCATOR.size, 0)
    tail = await octets.read(block, begin, end + MOST_COMMENT - begin)
    place, span = find_end(tail, begin)
    record_64 = b"" if span is None else await octets.read(block, *span)
    if span is not None and not record_64:
        raise ZipError("zip: ZIP64's end of the directory lies beyond the disk")
    directory = parse_end(tail[place - begin :], record_64, place)
    entries = parse_directory(await octets.read(block, directory.offset, directory.size), directory)
    tree, skipped = Tree(), []
    for name, member in entries:
        key = key_of(name)
        if key is None or not (key or name.endswith(b"/")):
            skipped.append(name)
        elif name.endswith(b"/"):
            tree.make(segments(key))
        else:
            tree.plant(segments(key), member)
        if too_deep(tree, len(entries)):
            raise ZipError(f"zip: {len(entries)} members make more than {tree.made - 1} directories")
    return ZipKv(block, tree, skipped)


async def _last_octet(block: Block) -> int:
    """Return where the zeros at the end of a disk begin."""
    end = octets.capacity(block)
    while end > 0:
        begin = max(end - WINDOW, 0)
        filled = (await octets.read(block, begin, end - begin)).rstrip(b"\0")
        if filled:
            return begin + len(filled)
        end = begin
    return 0
