"""Targets for whoever reads images: a file that is one, damaged, and a machine's memory with a record in it."""

from __future__ import annotations

from fata.target.image import elf
from fata.target.image.elf import BadImage
from fata.target.image.snapshot import NoSnapshot, attach, find_snapshot, origin
from tests.fuzz.target import Target
from tests.least_image import DIGEST, HEAP, OWN, RECORD, STACK, memory, runtime

PLAIN = elf.embed(runtime(), b"PK zip", line="--word x", floor=9 * 1024)
MACHINE = bytes(memory(OWN, HEAP, STACK))
KEPT = attach(PLAIN, MACHINE, find_snapshot(MACHINE), DIGEST)
HEAD = 2 * 4096  # octets of an image that are damaged: what follows is data
SIZE = 7552  # octets of a record


def attempt_image(octets: bytes) -> None:
    """Read the header, and where a snapshot comes from; put another application in."""
    for whole in (octets, octets + KEPT[HEAD:]):
        try:
            read = elf.read(whole)
            assert read.snapshot or elf.read(elf.embed(whole, b"PK")).zip == b"PK"
            origin(whole)
        except (BadImage, NoSnapshot):
            continue


def attempt_record(octets: bytes) -> None:
    """Find a record; whatever it says, it has all of its octets."""
    try:
        found = find_snapshot(bytes(RECORD) + octets)
    except NoSnapshot:
        return
    assert len(found.record) == SIZE


TARGETS = {
    "image": Target((PLAIN[:HEAD], KEPT[:HEAD]), attempt_image),
    "snapshot": Target((MACHINE[RECORD : RECORD + SIZE],), attempt_record),
}
