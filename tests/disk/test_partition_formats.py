"""MBR and GPT as octets: round trips, every truncation, garbage, and tables that cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.disk import gpt, mbr
from fata.disk.partition import Partition, PartitionError, Wish, kind_name, lay_out
from fata.errors import ConfigError

LINUX, GUID = "0FC63DAF-8483-4772-8E79-3D69D8477DE4", "11111111-2222-3333-4444-555555555555"
SECTORS = 1 << 16


@dataclass
class Disk:
    """Sectors by number; the others are zeros."""

    records: dict[int, bytes]

    def walk(self, sectors: int = SECTORS) -> list[Partition]:
        walk = mbr.walk(sectors)
        wanted = next(walk)
        for _ in range(1000):
            try:
                wanted = walk.send(self.records.get(wanted, bytes(512)))
            except StopIteration as end:
                found: list[Partition] = end.value
                return found
        raise AssertionError("the walk does not end")


wishes = st.lists(
    st.builds(Wish, st.integers(1, 1 << 21), st.sampled_from(["0c", "83"]), st.just(""), st.booleans()),
    min_size=1,
    max_size=9,
)


@given(wishes, st.integers(0, 0xFFFF_FFFF), st.sampled_from([512, 4096]))
def test_an_mbr_is_read_as_it_was_written(wanted: list[Wish], signature: int, sector_size: int) -> None:
    planned = mbr.plan(wanted, SECTORS, sector_size)
    records = mbr.serialize(planned, signature, sector_size=sector_size, sectors=SECTORS)
    assert list(records)[-1] == 0
    assert Disk(records).walk() == planned
    assert mbr.parse(records[0]).signature == signature
    assert all(
        partition.sectors * sector_size >= wish.octets
        for partition, wish in zip(planned, wanted, strict=True)
        if wish.octets
    )


def test_more_than_four_partitions_are_logical() -> None:
    planned = mbr.plan([Wish(1 << 20, "83")] * 5 + [Wish(None, "0c")], SECTORS, 512)
    assert [partition.number for partition in planned] == [1, 2, 3, 5, 6, 7]
    assert planned[-1].end == SECTORS
    assert all(partition.first % 2048 == 0 for partition in planned)


@pytest.mark.parametrize("cut", [0, 1, 445, 509, 510, 511])
def test_a_truncated_boot_record_is_refused(cut: int) -> None:
    records = mbr.serialize(mbr.plan([Wish(None, "83")], SECTORS, 512), 1, sector_size=512, sectors=SECTORS)
    with pytest.raises(PartitionError):
        mbr.parse(records[0][:cut])


def _chained(*links: tuple[int, int]) -> Disk:
    """Make an extended partition at 1000, of 1000 sectors, whose EBR at each place leads to another."""
    whole = Partition(1, 1000, 1000, "05")
    records = mbr.serialize([whole], 1, sector_size=512, sectors=SECTORS)
    for place, next_place in links:
        row = mbr.ENTRY.pack(0, b"\0\0\0", 0x83, b"\0\0\0", 1, 1)
        link = mbr.ENTRY.pack(0, b"\0\0\0", 0x05, b"\0\0\0", next_place - 1000, 1)
        records[place] = bytes(446) + row + link + bytes(32) + b"\x55\xaa"
    return Disk(records)


HOSTILE = {
    "a loop of one": ((1000, 1000),),
    "a loop of two": ((1000, 1100), (1100, 1000)),
    "a chain out of the extended partition": ((1000, 2000),),
    "a chain beyond the disk": ((1000, 0xFFFF_FFFF),),
    "a chain into zeros": ((1000, 1500),),
    "a chain of 900": tuple((1000 + at, 1001 + at) for at in range(900)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_chain_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(PartitionError):
        _chained(*HOSTILE[name]).walk()


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([(0, 10)], "do not lie between"),
        ([(SECTORS - 5, 10)], "do not lie between"),
        ([(10, 0)], "do not lie between"),
        ([(10, 10), (19, 5)], "overlap at 19"),
    ],
)
def test_partitions_that_cannot_be_are_refused(rows: list[tuple[int, int]], reason: str) -> None:
    packed = b"".join(mbr.ENTRY.pack(0, b"\0\0\0", 0x83, b"\0\0\0", first, sectors) for first, sectors in rows)
    with pytest.raises(PartitionError, match=reason):
        Disk({0: bytes(446) + packed.ljust(64, b"\0") + b"\x55\xaa"}).walk()


@given(st.binary(min_size=512, max_size=512))
def test_garbage_is_no_mbr(octets: bytes) -> None:
    for sector in (octets, octets[:510] + b"\x55\xaa", bytes(446) + octets[446:510] + b"\x55\xaa"):
        try:
            Disk({0: sector}).walk()
        except PartitionError:
            continue


def _table(count: int = 3) -> gpt.Image:
    planned = gpt.plan([Wish(1 << 20, LINUX, f"name {number} é") for number in range(count)], SECTORS, 512)
    return gpt.image([partition._replace(identity=GUID) for partition in planned], GUID, SECTORS, 512)


def test_a_gpt_is_read_as_it_was_written() -> None:
    image = _table()
    for header in (image.primary, image.backup):
        sector = gpt.serialize_header(header).ljust(512, b"\0")
        assert gpt.parse_header(sector, header.place, SECTORS) == header
        partitions = gpt.parse_entries(image.entries, header)
        assert [(partition.number, partition.name) for partition in partitions] == [
            (1, "name 0 é"),
            (2, "name 1 é"),
            (3, "name 2 é"),
        ]
        assert partitions[1] == Partition(2, 4096, 2048, LINUX, "name 1 é", identity=GUID)
    assert gpt.twin(image.backup, SECTORS, 512) == image.primary


def test_every_bit_of_a_gpt_counts() -> None:
    image = _table()
    header = gpt.serialize_header(image.primary)
    for octet in [*range(16), *range(20, 92)]:
        spoiled = header[:octet] + bytes([header[octet] ^ 1]) + header[octet + 1 :]
        with pytest.raises(PartitionError):
            gpt.parse_header(spoiled.ljust(512, b"\0"), 1, SECTORS)
    for octet in range(0, len(image.entries), 97):
        spoiled = image.entries[:octet] + bytes([image.entries[octet] ^ 1]) + image.entries[octet + 1 :]
        with pytest.raises(PartitionError, match="damaged"):
            gpt.parse_entries(spoiled, image.primary)
    for cut in range(92):
        with pytest.raises(PartitionError):
            gpt.parse_header(header[:cut], 1, SECTORS)
    with pytest.raises(PartitionError):
        gpt.parse_entries(image.entries[:-1], image.primary)


IMPOSSIBLE: dict[str, dict[str, Any]] = {
    "another place": {"place": 2},
    "entries of 96 octets": {"entry_size": 96},
    "entries of 64 octets": {"entry_size": 64},
    "no entries": {"rows": 0},
    "a billion entries": {"rows": 1 << 30},
    "entries in the header's sector": {"entries": 1},
    "entries over the header": {"entries": 0},
    "entries beyond the disk": {"entries": SECTORS - 5},
    "entries among the partitions": {"entries": 500},
    "usable sectors beyond the disk": {"last_usable": SECTORS},
    "no end of usable sectors": {"first_usable": 1000, "last_usable": 500},
    "the header is usable": {"first_usable": 1},
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_header_with_a_right_checksum_that_cannot_be_is_refused(name: str) -> None:
    header = _table().primary._replace(**IMPOSSIBLE[name])
    with pytest.raises(PartitionError):
        gpt.parse_header(gpt.serialize_header(header).ljust(512, b"\0"), 1, SECTORS)


@given(st.text(alphabet="0123456789abcdefABCDEF-", max_size=40))
def test_a_guid_is_read_or_refused(text: str) -> None:
    try:
        octets = gpt.guid_octets(text)
    except ConfigError:
        return
    assert gpt.guid_octets(gpt.guid_text(octets)) == octets


def test_guids_turn_their_first_parts_around() -> None:
    assert gpt.guid_octets("C12A7328-F81F-11D2-BA4B-00A0C93EC93B").hex() == "28732ac11ff8d211ba4b00a0c93ec93b"
    assert gpt.guid_text(bytes.fromhex("28732ac11ff8d211ba4b00a0c93ec93b")) == "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
    assert kind_name("C12A7328-F81F-11D2-BA4B-00A0C93EC93B") == kind_name("ef") == "efi"


def test_wishes_that_cannot_be_are_refused() -> None:
    for wanted in ([Wish(None, "83"), Wish(1, "83")], [Wish(1 << 40, "83")], [Wish(1 << 20, "83")] * 99):
        with pytest.raises(ConfigError):
            lay_out(wanted, 512, 2048, SECTORS, step=2048)
        with pytest.raises(ConfigError):
            mbr.plan(wanted, SECTORS, 512)
        with pytest.raises(ConfigError):
            gpt.plan(wanted, SECTORS, 512)
    with pytest.raises(ConfigError, match="too small"):
        gpt.plan([Wish(None, LINUX)], 60, 512)
    with pytest.raises(ConfigError, match="beyond"):
        mbr.serialize([Partition(1, 2048, 1 << 33, "83")], 0, sector_size=512, sectors=1 << 34)
