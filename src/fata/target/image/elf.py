"""Put an application into a finished runtime, and read what is in an image: the header of kernel/include/image.h.

The runtime is an ELF file that nothing links again. It reserves a segment for the application's zip, and a note that
tells where and how long the zip is; both are patched here. docs/spec/boot.md is the specification.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

from fata.errors import DeviceError, StateError

PAGE = 4096  # octets
MIB = 1 << 20  # octets
KIB_PER_MIB = 1 << 10
LINE_MAX = 2048  # octets of default words
VERSION = 2

_ELF = struct.Struct("<4sBBBB8xHHIQQQIHHHHHH")  # e_ident, e_type … e_shstrndx
SEGMENT = struct.Struct("<IIQQQQQQ")  # type, flags, offset, vaddr, paddr, filesz, memsz, align
_NOTE = struct.Struct("<III")  # sizes of name and descriptor, type
HEADER = struct.Struct(
    "<IIQQIIQ"
)  # version, floor_kib, zip_address, zip_size, zip_crc, line_size, snapshot; then the line
NOTHING, LOAD, _NOTES = 0, 1, 4  # p_type
_NAME, _TYPE = b"Fata\0", 1


class BadImage(DeviceError):
    """A file that is no runtime or no image of this version, or that was damaged."""


class Image(NamedTuple):
    """What an image's header says. `floor` in KiB, 0 when nobody has measured; `zip` is b"" in a runtime."""

    floor: int
    line: str
    zip: bytes
    snapshot: int  # address of the record of a snapshot; 0 without one


class Place(NamedTuple):
    """Where in a runtime or image its header is, and the segment for the application."""

    header: int  # file offset of the image header
    segment: int  # file offset of the program header of the reserved segment
    address: int  # where that segment starts in memory


def embed(runtime: bytes, archive: bytes, *, line: str = "", floor: int = 0) -> bytes:
    """Return an image: `runtime` with the zip `archive`, the default words `line` and the memory floor in KiB.

    `runtime` may itself be an image without a snapshot: its application is replaced. The same arguments give the same
    octets.
    Raises `BadImage`, and `StateError` for a line that does not fit or holds a NUL.
    """
    text = line.encode()
    if len(text) > LINE_MAX or 0 in text:
        raise StateError(f"default words of {len(text)} octets: at most {LINE_MAX}, without a NUL")
    place = find_place(runtime)
    old = _read(runtime, place)
    if old.snapshot:
        raise StateError("an image with a snapshot: its application cannot be replaced any more")
    bare = runtime[: len(runtime) - len(old.zip)]
    image = bytearray(bare + bytes(-len(bare) % PAGE))
    offset = len(image)
    image += archive
    header = HEADER.pack(VERSION, floor, place.address, len(archive), zlib.crc32(archive), len(text), 0)
    overwrite(image, place.header, header + text.ljust(LINE_MAX, b"\0"))
    segment = (LOAD, 4, offset, place.address, place.address, len(archive), len(archive), PAGE)
    overwrite(image, place.segment, SEGMENT.pack(*segment))
    return bytes(image)


def read(image: bytes) -> Image:
    """Return what the image carries. Raises `BadImage` when the zip was cut off or its checksum is wrong."""
    return _read(image, find_place(image))


def overwrite(image: bytearray, offset: int, octets: bytes) -> None:
    """Put octets in the place of others."""
    image[offset : offset + len(octets)] = octets


def segments(image: bytes) -> list[tuple[int, tuple[int, ...]]]:
    """Return every program header with its file offset."""
    try:
        elf = _ELF.unpack_from(image)
        if elf[0] != b"\x7fELF" or elf[1:3] != (2, 1):
            raise BadImage("no 64-bit little-endian ELF file")
        start, size, count = elf[9], elf[13], elf[14]
        offsets = range(start, start + size * count, size) if size else ()
        return [(offset, SEGMENT.unpack_from(image, offset)) for offset in offsets]
    except (struct.error, OverflowError) as error:
        raise BadImage(f"an ELF file of {len(image)} octets that was cut off") from error


def find_place(image: bytes) -> Place:
    """Find the header by its note. Raises `BadImage`."""
    rows = segments(image)
    header = next((found for _, row in rows if row[0] == _NOTES and (found := _note(image, row[2], row[5]))), None)
    if header is None or header + HEADER.size + LINE_MAX > len(image):
        raise BadImage("no runtime of this project: it has no image header")
    version, _, address, *_ = HEADER.unpack_from(image, header)
    if version != VERSION:
        raise BadImage(f"image header version {version}, this tool knows {VERSION}")
    for offset, row in rows:
        if row[0] == LOAD and row[3] == address:
            return Place(header, offset, address)
    raise BadImage("the segment for the application is missing")


def _note(image: bytes, offset: int, size: int) -> int | None:
    """Return the file offset of our note's descriptor, looking through one PT_NOTE segment."""
    end = min(offset + size, len(image))
    while offset + _NOTE.size <= end:
        name_size, size, kind = _NOTE.unpack_from(image, offset)
        name = offset + _NOTE.size
        descriptor: int = name + (name_size + 3 & ~3)
        if kind == _TYPE and image[name : name + name_size] == _NAME:
            return descriptor
        offset = descriptor + (size + 3 & ~3)
    return None


def _read(image: bytes, place: Place) -> Image:
    _, floor, _, size, crc, line_size, snapshot = HEADER.unpack_from(image, place.header)
    offset = SEGMENT.unpack_from(image, place.segment)[2]
    line = image[place.header + HEADER.size :][: min(line_size, LINE_MAX)]
    archive = image[offset : offset + size] if size else b""
    if len(archive) != size or (size and (offset + size != len(image) or zlib.crc32(archive) != crc)):
        raise BadImage("the image is truncated or damaged: the checksum of its application is wrong")
    return Image(floor, line.decode(errors="replace"), archive, snapshot)
