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
from tests.least_image import DIGEST, HEAP, OWN, PAGE, RECORD, STACK, TOP, VARIABLES, loaded, memory, runtime


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
