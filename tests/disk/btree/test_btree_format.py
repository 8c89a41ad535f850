"""The octets of the B-tree: golden vectors both ways, round trips, truncations and garbage."""

from __future__ import annotations

from struct import pack
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.disk.btree import node, record
from fata.disk.btree.corrupt import Corrupt
from fata.disk.btree.extent import Extent, Run, Table, table_body, table_entries
from fata.disk.btree.node import parse_inner, parse_leaf, serialize_inner, serialize_leaf
from fata.disk.btree.pointer import NOTHING, Pointer
from fata.disk.btree.snapshots import SnapshotEntry, snapshot_body, snapshot_entries
from fata.disk.btree.superblock import Superblock, parse, serialize

UUID = bytes(range(16))
TAG = crc32(UUID)
SUPERBLOCK = Superblock(
    4096, 2, 0, 0, 0, UUID, 7, 1000, 2, 16, 512, 40, 44, 0x1234, 3, Pointer(99, 6, 0xABCD, 1), Pointer(98, 5, 0x77)
)
SIZE = 4096


def test_a_golden_superblock() -> None:
    expected = (
        b"fata-bt\n" + pack("<HBB", 1, 12, 2) + bytes(12) + UUID + pack("<QQIIHxx", 7, 1000, 2, 16, 512)
        + pack("<QQIQ", 40, 44, 0x1234, 3) + pack("<IQIBxxx", 99, 6, 0xABCD, 1) + pack("<IQI", 98, 5, 0x77)
    )  # fmt: skip
    expected += bytes(508 - len(expected))
    expected += crc32(expected).to_bytes(4, "little")
    assert serialize(SUPERBLOCK) == expected
    assert parse(expected, 0) == SUPERBLOCK


def test_a_golden_leaf() -> None:
    extent = Extent.describe(70_000, Pointer(5, 3, 9))
    body = pack("<4H", 1, 2, 3, 24 | 0x8000) + b"a" + b"bc" + b"xyz" + pack("<IIQII", 70_000, 0, 3, 5, 9)
    rest = pack("<HBBIQQI", 2, 1, 0, TAG, 12, 6, 0) + body
    rest += bytes(SIZE - 4 - len(rest))
    octets, crc = serialize_leaf(SIZE, TAG, 12, 6, [b"a", b"bc"], [b"xyz", extent], 1)
    assert octets == crc32(rest).to_bytes(4, "little") + rest
    keys, values, size = parse_leaf(octets, TAG, Pointer(12, 6, crc))
    assert size == sum(map(len, [*keys, *values])) + 4 * len(keys)
    assert (keys, values) == ([b"a", b"bc"], [b"xyz", extent])
    found = values[1]
    assert isinstance(found, Extent)
    assert (found.length, found.table) == (70_000, Pointer(5, 3, 9))


def test_a_golden_inner_node() -> None:
    children = [Pointer(4, 2, 11), Pointer(5, 3, 12, 1)]
    body = pack("<H", 3) + pack("<2I", 4, 5) + pack("<2Q", 2, 3) + pack("<2I", 11, 12) + b"\0\1" + b"key"
    rest = pack("<HBBIQQI", 2, 2, 1, TAG, 12, 6, 0) + body
    rest += bytes(SIZE - 4 - len(rest))
    octets, crc = serialize_inner(SIZE, TAG, 12, 6, 1, [b"key"], children)
    assert octets == crc32(rest).to_bytes(4, "little") + rest
    assert parse_inner(octets, TAG, Pointer(12, 6, crc), 1) == (1, [b"key"], children)


def test_a_golden_record() -> None:
    changes = {b"a": b"xy", b"b": None}
    group = record.serialize_group([b"a", b"b"], changes)
    assert group == pack("<IHHII", 2, 1, 1, 2, 0xFFFFFFFF) + b"abxy"
    assert record.group_octets([b"a", b"b"], changes) == len(group)
    rest = pack("<IQQII", TAG, 5, 3, len(group), 77) + group
    octets, crc = record.serialize_record(TAG, 5, 3, 77, [group], 512)
    assert octets == crc32(rest).to_bytes(4, "little") + rest + bytes(512 - 4 - len(rest))
    header = record.parse_header(octets)
    assert header == (crc, TAG, 5, 3, len(group), 77)
    assert record.is_whole(octets, header)
    found: dict[bytes, bytes | None] = {}
    record.parse_groups(octets[32 : 32 + len(group)], 5, found)
    assert found == changes


ENTRIES = st.dictionaries(st.binary(max_size=40), st.binary(max_size=80), max_size=20)
SIZES = st.tuples(st.integers(0, 16), st.integers(0, 40))
ALIKE = SIZES.flatmap(lambda size: st.dictionaries(*(st.binary(min_size=n, max_size=n) for n in size), max_size=20))


@given(ENTRIES | ALIKE)
def test_leaves_come_back(entries: dict[bytes, bytes]) -> None:
    keys = sorted(entries)
    octets, crc = serialize_leaf(SIZE, TAG, 9, 2, keys, [entries[key] for key in keys], 0)
    assert dict(zip(*parse_leaf(octets, TAG, Pointer(9, 2, crc))[:2], strict=True)) == entries


@given(st.lists(st.dictionaries(st.binary(max_size=20), st.none() | st.binary(max_size=50), min_size=1), max_size=5))
def test_groups_come_back_the_last_one_wins(groups: list[dict[bytes, bytes | None]]) -> None:
    octets = b"".join(record.serialize_group(sorted(group), group) for group in groups)
    found: dict[bytes, bytes | None] = {}
    record.parse_groups(octets, 0, found)
    expected: dict[bytes, bytes | None] = {}
    for group in groups:
        expected |= group
    assert found == expected


def test_tables_come_back() -> None:
    table = Table([Run(7, 65536, 1), Run(30, 5, 2)], Pointer(40, 3, 9))
    octets, _ = node.seal(SIZE, (2, node.TABLE, 0, TAG, 9, 2), table_body(table))
    assert table_entries(octets, 2) == table
    entries = [SnapshotEntry("eins", 4, 1, Pointer(7, 3, 1, 1)), SnapshotEntry("zwölf", 9, 0, Pointer(8, 9, 2))]
    octets, _ = node.seal(SIZE, (2, node.SNAPSHOTS, 0, TAG, 9, 2), snapshot_body(entries))
    assert snapshot_entries(octets, 2) == entries


@given(st.binary(max_size=300), st.integers(0, 600))
def test_any_body_under_a_right_checksum_is_parsed_or_refused(body: bytes, count: int) -> None:
    for kind, level in ((node.LEAF, 0), (node.INNER, 1)):
        octets, crc = node.seal(SIZE, (count, kind, level, TAG, 9, 2), [body])
        try:
            parse_inner(octets, TAG, Pointer(9, 2, crc), 1) if level else parse_leaf(octets, TAG, Pointer(9, 2, crc))
        except Corrupt:
            pass
    try:
        record.parse_groups(body, 0, {})
    except Corrupt:
        pass


@given(st.binary(max_size=5000))
def test_garbage_is_refused(octets: bytes) -> None:
    with pytest.raises(Corrupt):
        parse(octets, 0)


def test_every_truncation_of_a_superblock_is_refused() -> None:
    octets = serialize(SUPERBLOCK)
    for length in range(len(octets)):
        with pytest.raises(Corrupt):
            parse(octets[:length], 0)
        with pytest.raises(Corrupt):
            parse(octets[:length] + bytes(512 - length), 0)


def test_every_truncation_of_a_group_is_refused() -> None:
    group = record.serialize_group([b"abc", b"d"], {b"abc": b"value", b"d": None})
    for length in range(1, len(group)):
        with pytest.raises(Corrupt):
            record.parse_groups(group[:length], 0, {})


def test_a_node_says_what_is_wrong_with_it() -> None:
    octets, crc = serialize_leaf(SIZE, TAG, 9, 2, [b"a"], [b"b"], 0)
    right = Pointer(9, 2, crc)
    other, other_crc = serialize_leaf(SIZE, TAG, 10, 2, [], [], 0)
    older, older_crc = serialize_leaf(SIZE, TAG, 9, 1, [], [], 0)
    stranger, stranger_crc = serialize_leaf(SIZE, TAG + 1, 9, 2, [], [], 0)
    for found, reason in (
        (octets[:100] + b"x" + octets[101:], "checksum"),
        (other, "misdirected"),
        (older, "lost write"),
        (stranger, "another store"),
    ):
        with pytest.raises(Corrupt, match=reason) as caught:
            parse_leaf(found, TAG, right)
        assert (caught.value.what, caught.value.address) == ("leaf", 9)
    for found, sum_ in ((other, other_crc), (older, older_crc), (stranger, stranger_crc)):
        with pytest.raises(Corrupt):
            parse_leaf(found, TAG, Pointer(9, 2, sum_))
    with pytest.raises(Corrupt):
        parse_inner(octets, TAG, right, 1)
    assert NOTHING.address == 0
