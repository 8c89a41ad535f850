"""The least files that pass for a runtime and for a machine's memory: tests of images need no compiler."""

from __future__ import annotations

import struct

from fata.target.image import elf

PAGE = 4096
HEADER_AT = 0x400  # of the image header, in the file
VARIABLES, ZIP = 0x300000, 0x400000
RECORD = 0x110000  # where the kernel keeps it
DIGEST = bytes(range(32))
TOP = 0x900000
HEAP, STACK = (0x500000, 0x503000), (0x8FE000, 0x900000)
OWN = (VARIABLES, VARIABLES + 2 * PAGE)
SIZE = 7552  # octets of a record


def runtime() -> bytes:
    """Return the least file that passes for a runtime: variables, the place for a zip, four empty headers, our note."""
    rows = [
        (1, 6, PAGE, VARIABLES, VARIABLES, PAGE, 2 * PAGE, PAGE),
        (1, 4, 2 * PAGE, ZIP, ZIP, 1, 1, PAGE),
        *[(0,) * 8] * 4,
        (4, 4, HEADER_AT - 20, 0, 0, 20 + 2088, 0, 4),
    ]
    file = bytearray(2 * PAGE)
    head = (b"\x7fELF", 2, 1, 1, 0, 2, 62, 1, 0, 64, 0, 0, 64, 56, len(rows), 0, 0, 0)
    struct.pack_into("<4sBBBB8xHHIQQQIHHHHHH", file, 0, *head)
    for number, row in enumerate(rows):
        struct.pack_into("<IIQQQQQQ", file, 64 + 56 * number, *row)
    struct.pack_into("<III8s", file, HEADER_AT - 20, 5, 2088, 1, b"Fata\0")
    struct.pack_into("<IIQQIIQ", file, HEADER_AT, 2, 0, ZIP, 0, 0, 0, 0)
    return bytes(file)


def memory(*ranges: tuple[int, int]) -> bytearray:
    """Return a machine's memory with a record of these ranges; every page of it is filled with its own number."""
    octets = bytearray(b"".join(struct.pack("<I", page) * (PAGE // 4) for page in range(TOP // PAGE)))
    octets[RECORD : RECORD + SIZE] = bytes(SIZE)
    struct.pack_into("<16sII32sQ", octets, RECORD, b"Fata snapshot\n\x1a\0", 1, len(ranges), b"", 12345)
    for number, (start, end) in enumerate(ranges):
        struct.pack_into("<QQQQ", octets, RECORD + 3456 + 32 * number, start, end, start, 3)
    return octets


def loaded(image: bytes) -> bytearray:
    """Return memory as a boot loader leaves it."""
    octets = bytearray(TOP + 0x400000)
    for _, (kind, _, offset, address, _, size, _, _) in elf.segments(image):
        if kind == elf.LOAD:
            octets[address : address + size] = image[offset : offset + size]
    return octets
