"""Trees: a directory's entries, each a mode, a name and an id, in git's order.

    +-------------+-----+------+-----+----------+------ - -
    | mode, octal | " " | name | NUL | id, raw  | next entry
    +-------------+-----+------+-----+----------+------ - -

The order is that of the names as octets, where a directory's name counts as if a "/" followed. A tree is kept as
these octets, and changed by cutting them: what nobody touches stays as it was, oddities of old tools included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from fata.disk.git.errors import Malformed

DIRECTORY = b"40000"
NORMAL = b"100644"
EXECUTABLE = b"100755"
LINK = b"120000"
SUBMODULE = b"160000"  # the id is a commit's in another repository

Shape = dict[bytes, int]  # name -> where its id begins; in the order of the entries


class Entry(NamedTuple):
    """One entry of a tree."""

    mode: bytes
    name: bytes
    id: bytes


# A directory's mode has five digits, or six from old tools; every other has six and begins with 1.
MODE = re.compile(rb"(?:0?40000|(?!140000)1[0-7]{5})")


@lru_cache
def _pattern(id_size: int) -> re.Pattern[bytes]:
    return re.compile(rb"(%b) ([^\0/]+)\0(.{%d})" % (MODE.pattern, id_size), re.DOTALL)


def parse(octets: bytes, id_size: int = 20) -> list[Entry]:
    """Return the entries. Raises `Malformed`: cut short, a bad mode or name, a name twice."""
    parse_shape(octets, id_size)
    return [Entry(*fields) for fields in _pattern(id_size).findall(octets)]


def parse_shape(octets: bytes, id_size: int = 20) -> Shape:
    """Return where each name's id begins. Raises `Malformed` as `parse` does."""
    shape: Shape = {}
    end = count = 0
    for match in _pattern(id_size).finditer(octets):
        start, at = match.span(3)
        if match.start() != end:
            break
        shape[match[2]] = start
        end = at
        count += 1
    if end != len(octets):
        raise Malformed(f"tree: no entry at octet {end} of {len(octets)}")
    if len(shape) != count:
        raise Malformed(f"tree: a name stands twice among {count}")
    return shape


@lru_cache
def _whole(id_size: int) -> re.Pattern[bytes]:
    return re.compile(rb"(?:%b [^\0/]+\0.{%d})*" % (MODE.pattern, id_size), re.DOTALL)


def find(octets: bytes, name: bytes, id_size: int = 20) -> Entry | None:
    """Return the entry of a name, several times as quickly as by parsing all; None if there is none."""
    key = b" %b\0" % name
    at = octets.find(key)
    while at >= 0:
        end = at + len(key)
        for start in (at - 5, at - 6):
            # Elsewhere the key may be a part of an id, or of another name.
            if start >= 0 and MODE.fullmatch(octets, start, at) and _whole(id_size).fullmatch(octets, 0, start):
                return Entry(octets[start:at], name, octets[end : end + id_size])
        at = octets.find(key, at + 1)
    return None


def sort_key(name: bytes, mode: bytes) -> bytes:
    """Return what an entry is sorted by."""
    return name + b"/" if is_directory(mode) else name


def is_directory(mode: bytes) -> bool:
    """Whether a mode is a directory's, also in the old spelling "040000"."""
    return mode[-5:] == DIRECTORY


def serialize(entries: list[Entry]) -> bytes:
    """Write entries, in any order, as a tree."""
    entries.sort(key=lambda entry: sort_key(entry.name, entry.mode))
    return b"".join(b"%b %b\0%b" % entry for entry in entries)


def in_order(entries: list[Entry]) -> bool:
    """Whether entries stand in git's order, none twice."""
    keys = [sort_key(entry.name, entry.mode) for entry in entries]
    return all(a < b for a, b in pairwise(keys))


def entries_of(octets: bytes, id_size: int = 20) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield (mode, name, id) of a tree that has been checked before."""
    yield from _pattern(id_size).findall(octets)
