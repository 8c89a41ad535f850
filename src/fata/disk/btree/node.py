"""Nodes: leaves with keys and values, inner nodes with separators and pointers.

     0        4       6      7       8       12         20            28          32
    +--------+-------+------+-------+-------+----------+-------------+-----------+-------
    | crc32  | count | kind | level | tag   | address  | generation  | reserved  | body …
    +--------+-------+------+-------+-------+----------+-------------+-----------+-------

Little-endian. The CRC covers everything behind itself, up to the end of the node. `tag` is the CRC-32 of the
store's UUID. Leaf body: key lengths (u16 each), value lengths (u16; bit 15: the value is an extent's
descriptor), keys, values. Inner body for n children: n-1 key lengths (u16), n addresses (u32), n generations
(u64), n CRCs (u32), n flags (u8), n-1 keys. The rest is zero.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cache, lru_cache
from itertools import accumulate, pairwise
from struct import Struct
from struct import error as StructError  # noqa: N812 -- an error by another name is still a class
from typing import NamedTuple
from zlib import crc32

from fata.disk.btree.corrupt import Corrupt
from fata.disk.btree.extent import DESCRIPTOR, Extent
from fata.disk.btree.pointer import Pointer

NODE_SIZES = (4096, 8192, 16384, 32768, 65536)  # octets
HEADER = Struct("<IHBBIQQI")
HEADER_SIZE = HEADER.size  # octets
_BEHIND_CRC = Struct("<HBBIQQI")  # the header without its first field
_WORD, _LONG = Struct("<I"), Struct("<Q")

LEAF, INNER, TABLE, SNAPSHOTS = 1, 2, 3, 4  # kind
KINDS = {LEAF: "leaf", INNER: "inner node", TABLE: "extent table", SNAPSHOTS: "snapshot table"}

LARGE = 0x8000  # bit of a value's length
ENTRY_COST = 4  # octets of a leaf's entry besides key and value
CHILD_COST = 19  # octets of an inner node's child besides its key


class Header(NamedTuple):
    """The first 32 octets of a node."""

    crc: int
    entries: int
    kind: int
    level: int  # leaves are 0
    tag: int
    address: int
    generation: int
    reserved: int


class LeafContent(NamedTuple):
    """A leaf's entries, in the order of their keys. A value is octets or an `Extent`."""

    keys: list[bytes]
    values: list[bytes]
    size: int  # octets that they take in the node


class InnerContent(NamedTuple):
    """`keys[i]` is the least key of what lies below `children[i + 1]`."""

    level: int
    keys: list[bytes]
    children: list[Pointer]


def key_limit(node_size: int) -> int:
    """Return the longest key, in octets: an eighth of a node."""
    return node_size // 8


def inline_limit(node_size: int) -> int:
    """Return the longest value that a leaf holds itself, in octets: a quarter of a node."""
    return node_size // 4


@cache
def _leaf_lengths(count: int) -> Struct:
    return Struct(f"<{2 * count}H")


@lru_cache
def _alike(count: int, key: int, value: int) -> Struct:
    """Return the shape of so many keys and values, each as long as the others."""
    return Struct(f"{key}s" * count + f"{value}s" * count)


@cache
def _inner_arrays(count: int) -> Struct:
    return Struct(f"<{count - 1}H{count}I{count}Q{count}I{count}B")


def seal(
    node_size: int, header: tuple[int, int, int, int, int, int], body: Sequence[bytes | bytearray]
) -> tuple[bytes, int]:
    """Return a node and its CRC. `header` is count, kind, level, tag, address, generation."""
    zeros = bytes(node_size - HEADER_SIZE - sum(map(len, body)))
    rest = b"".join((_BEHIND_CRC.pack(*header, 0), *body, zeros))
    crc = crc32(rest)
    return crc.to_bytes(4, "little") + rest, crc


def serialize_leaf(
    node_size: int,
    tag: int,
    address: int,
    generation: int,
    keys: Collection[bytes],
    values: Collection[bytes],
    large: int,
) -> tuple[bytes, int]:
    """Return a leaf and its CRC. `large` is how many of the values are extents."""
    count = len(keys)
    pieces = [*keys, *values]
    entries = b"".join(pieces)  # before their lengths: `join` waits for memory less long than `len` would
    lengths = [*map(len, pieces)]
    if large:
        for index, value in enumerate(values, count):
            if value.__class__ is Extent:
                lengths[index] |= LARGE
    body = [_leaf_lengths(count).pack(*lengths), entries]
    return seal(node_size, (count, LEAF, 0, tag, address, generation), body)


def serialize_inner(
    node_size: int, tag: int, address: int, generation: int, level: int, keys: list[bytes], children: list[Pointer]
) -> tuple[bytes, int]:
    """Return an inner node and its CRC."""
    body = inner_body(keys, children)
    return seal(node_size, (len(children), INNER, level, tag, address, generation), [body])


def inner_body(keys: list[bytes], children: Iterable[tuple[int, int, int, int]]) -> bytearray:
    """Return an inner node's body, for `seal`. `children` are pointers."""
    entries = b"".join(keys)  # first, as in a leaf
    addresses, generations, crcs, flags = zip(*children, strict=True)
    body = bytearray(_inner_arrays(len(addresses)).pack(*map(len, keys), *addresses, *generations, *crcs, *flags))
    body += entries
    return body


def set_child(body: bytearray, count: int, index: int, child: tuple[int, int, int, int]) -> None:
    """Change one of the `count` pointers in an inner node's body."""
    address, generation, crc, flags = child
    start = 2 * (count - 1)  # behind the lengths of the keys
    _WORD.pack_into(body, start + 4 * index, address)
    _LONG.pack_into(body, start + 4 * count + 8 * index, generation)
    _WORD.pack_into(body, start + 12 * count + 4 * index, crc)
    body[start + 16 * count + index] = flags


def any_child_flag(body: bytearray, count: int) -> bool:
    """Say whether a child of an inner node with this body has a flag."""
    start = 2 * (count - 1) + 16 * count
    return any(memoryview(body)[start : start + count])


def check(data: bytes, tag: int, pointer: Pointer, kind: int, level: int) -> int:
    """Raise `Corrupt` unless the octets are the node that the pointer names; return its count."""
    found = Header._make(HEADER.unpack_from(data))
    if found.crc != pointer.crc or crc32(memoryview(data)[4:]) != found.crc:
        raise _not_the_node(data, found, tag, pointer, kind)
    if (found.kind, found.level, found.tag, found.address, found.generation) != (
        kind,
        level,
        tag,
        pointer.address,
        pointer.generation,
    ):
        raise _not_the_node(data, found, tag, pointer, kind)
    return found.entries


def _not_the_node(data: bytes, found: Header, tag: int, pointer: Pointer, kind: int) -> Corrupt:
    """Say what the octets are instead."""
    if crc32(memoryview(data)[4:]) != found.crc:
        reason = "its checksum is wrong: torn, or changed on the medium"
    elif found.tag != tag:
        reason = "it belongs to another store"
    elif found.address != pointer.address:
        reason = f"it was meant for page {found.address}: a misdirected write"
    elif found.generation != pointer.generation:
        reason = f"it is of generation {found.generation}, not {pointer.generation}: a lost write"
    else:
        reason = "it is another node than its parent names"
    return Corrupt(KINDS[kind], pointer.address, reason)


def parse_leaf(data: bytes, tag: int, pointer: Pointer) -> LeafContent:
    """Return a leaf's entries; raise `Corrupt` for any other octets."""
    count = check(data, tag, pointer, LEAF, 0)
    try:
        return leaf_entries(data, count)
    except StructError:
        raise Corrupt(KINDS[LEAF], pointer.address, f"{count} entries do not fit into it") from None


def leaf_entries(data: bytes, count: int) -> LeafContent:
    """Return a leaf's entries, of octets whose checksum is right. Raises struct's error if they do not fit."""
    shape = _leaf_lengths(count)
    found = shape.unpack_from(data, HEADER_SIZE)
    if found and found == found[:1] * count + found[-1:] * count and found[-1] < LARGE:
        alike = _alike(count, found[0], found[-1])  # the usual case, and a third quicker
        cut = alike.unpack_from(data, HEADER_SIZE + shape.size)
        return LeafContent([*cut[:count]], [*cut[count:]], shape.size + alike.size)
    lengths = list(found)
    large = []
    if max(lengths, default=0) >= LARGE:
        large = [index for index in range(count, 2 * count) if lengths[index] & LARGE]
        for index in large:
            lengths[index] &= ~LARGE
    ends = list(accumulate(lengths, initial=HEADER_SIZE + shape.size))
    if ends[-1] > len(data):
        raise StructError
    pieces = [data[start:end] for start, end in pairwise(ends)]
    for index in large:
        if len(pieces[index]) != DESCRIPTOR.size:
            raise StructError
        pieces[index] = Extent(pieces[index])
    return LeafContent(pieces[:count], pieces[count:], ends[-1] - HEADER_SIZE)


def parse_inner(data: bytes, tag: int, pointer: Pointer, level: int) -> InnerContent:
    """Return an inner node's separators and pointers; raise `Corrupt` for any other octets."""
    count = check(data, tag, pointer, INNER, level)
    try:
        return inner_content(data, count, level)
    except StructError:
        raise Corrupt(KINDS[INNER], pointer.address, f"{count} children do not fit into it") from None


def inner_content(data: bytes, count: int, level: int) -> InnerContent:
    """Return what `parse_inner` does, of octets whose checksum is right. Raises struct's error if it does not fit."""
    if not count:
        raise StructError
    shape = _inner_arrays(count)
    fields = shape.unpack_from(data, HEADER_SIZE)
    ends = list(accumulate(fields[: count - 1], initial=HEADER_SIZE + shape.size))
    if ends[-1] > len(data):
        raise StructError
    keys = [data[start:end] for start, end in pairwise(ends)]
    first, second, third, fourth = (count - 1 + part * count for part in range(4))
    columns = (fields[first:second], fields[second:third], fields[third:fourth], fields[fourth:])
    children = [Pointer(*row) for row in zip(*columns, strict=True)]
    return InnerContent(level, keys, children)
