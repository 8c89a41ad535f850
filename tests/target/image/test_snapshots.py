"""Snapshots in images: which octets of a machine's memory go where, and what is refused. No machine runs."""

from __future__ import annotations

import random
import struct
from itertools import pairwise

import pytest

from fata.errors import StateError
from fata.target.image import elf
from fata.target.image.elf import BadImage
from fata.target.image.snapshot import NoSnapshot, attach, find_snapshot, origin

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


@pytest.fixture
def image() -> bytes:
    return elf.embed(runtime(), b"PK zip", line="--word x", floor=9 * 1024)


def test_what_the_program_was_given_lies_where_it_lay(image: bytes) -> None:
    machine = bytes(memory(OWN, HEAP, STACK))
    made = attach(image, machine, find_snapshot(machine), DIGEST)
    found = loaded(made)
    for start, end in (HEAP, STACK):
        assert found[start:end] == machine[start:end]
    told = elf.read(made)
    assert (told.zip, told.line, told.floor) == (b"PK zip", "--word x", 9 * 1024)
    assert origin(made) == DIGEST


def test_variables_are_carried_to_be_copied(image: bytes) -> None:
    machine = bytes(memory(OWN, HEAP, STACK))
    made = attach(image, machine, find_snapshot(machine), DIGEST)
    found, record = loaded(made), elf.read(made).snapshot
    start, end, source, access = struct.unpack_from("<QQQQ", found, record + 3456)
    assert (start, end, access) == (*OWN, 3)
    assert found[source : source + end - start] == machine[start:end]
    assert found[VARIABLES : VARIABLES + PAGE] == image[PAGE : 2 * PAGE], "Linux starts with these"
    second = struct.unpack_from("<QQQQ", found, record + 3456 + 32)
    assert second == (*HEAP, HEAP[0], 3)


def test_segments_ascend_and_do_not_touch_each_other(image: bytes) -> None:
    scattered = [(start, start + PAGE) for start in range(0x500000, 0x8E0000, 0x20000)]
    machine = bytes(memory(OWN, *scattered, STACK))
    made = attach(image, machine, find_snapshot(machine), DIGEST)
    rows = [row for _, row in elf.segments(made) if row[0] == elf.LOAD]
    assert len(rows) == 6
    for before, after in pairwise(rows):
        assert before[3] + before[6] <= after[3]
        assert before[2] + before[5] <= len(made)
    found = loaded(made)
    assert all(found[start:end] == machine[start:end] for start, end in scattered)


def test_a_floor_is_at_least_where_the_snapshot_ends(image: bytes) -> None:
    machine = bytes(memory(OWN, HEAP, (0x8FF000, TOP)))
    low = elf.embed(image, b"PK zip")
    made = attach(low, machine, find_snapshot(machine), DIGEST)
    assert elf.read(made).floor == 9 * 1024, "MiB, rounded up"


def test_an_application_is_not_replaced_under_a_snapshot(image: bytes) -> None:
    machine = bytes(memory(OWN, HEAP))
    made = attach(image, machine, find_snapshot(machine), DIGEST)
    with pytest.raises(StateError, match="with a snapshot"):
        elf.embed(made, b"another")


def test_memory_without_a_record_and_images_without_a_snapshot(image: bytes) -> None:
    with pytest.raises(NoSnapshot, match="holds no snapshot"):
        find_snapshot(bytes(TOP))
    with pytest.raises(NoSnapshot, match="has no snapshot"):
        origin(image)


@pytest.mark.parametrize(("offset", "octets"), [(16, b"\x02"), (20, b"\x81")], ids=["format", "ranges"])
def test_a_record_of_another_kind(offset: int, octets: bytes) -> None:
    machine = memory(OWN, HEAP)
    machine[RECORD + offset : RECORD + offset + 1] = octets
    with pytest.raises(NoSnapshot, match="no snapshot of format 1"):
        find_snapshot(bytes(machine))


def test_any_octets_are_refused_by_their_own_error(image: bytes) -> None:
    machine = memory(OWN, HEAP, STACK)
    made = attach(image, bytes(machine), find_snapshot(bytes(machine)), DIGEST)
    drawn = random.Random(7)
    for _ in range(300):
        broken = bytearray(made[: drawn.randrange(len(made))] if drawn.random() < 0.3 else made)
        for _ in range(drawn.randrange(1, 8)):
            if broken:
                broken[drawn.randrange(min(len(broken), 2 * PAGE))] = drawn.randrange(256)
        try:
            origin(bytes(broken))
        except (BadImage, NoSnapshot):
            continue
