"""Commits: a tree, parents, who, when, and why.

    "tree " hex LF
    "parent " hex LF               as many as there are parents
    "author " person LF            person: name " <" address "> " seconds " " zone
    "committer " person LF
    key " " value LF               more headers; a value goes on in lines that begin with a space (gpgsig, mergetag)
    LF
    message

A commit that somebody else made is never written again, so what this module does not understand survives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from fata.disk.git.errors import Malformed

_PERSON = re.compile(rb"([^<>\n]*<[^<>\n]*>) (-?\d{1,19}) ([+-]\d{4,})")
_HEX = re.compile(rb"[0-9a-f]*")


class Person(NamedTuple):
    """Who did something, and when. `who` is `name <address>`, seconds are since 1970, zone is like "+0200"."""

    who: bytes
    seconds: int
    zone: bytes = b"+0000"


class Commit(NamedTuple):
    """A commit's fields; ids are raw octets. `extra` are the other headers, as they stand."""

    tree: bytes
    parents: tuple[bytes, ...]
    author: Person
    committer: Person
    message: bytes
    extra: bytes = b""


def serialize(commit: Commit) -> bytes:
    """Write a commit."""
    return assemble(commit.tree, commit.parents, people(commit.author, commit.committer) + commit.extra, commit.message)


def people(author: Person, committer: Person) -> bytes:
    """Write the lines that say who made a commit."""
    return b"author %b %d %b\ncommitter %b %d %b\n" % (*author, *committer)


def assemble(tree: bytes, parents: Iterable[bytes], headers: bytes, message: bytes) -> bytes:
    """Write a commit whose other headers are written already."""
    lines = b"".join([b"parent %b\n" % parent.hex().encode() for parent in parents])
    return b"tree %b\n%b%b\n%b" % (tree.hex().encode(), lines, headers, message)


def parse(octets: bytes, id_size: int = 20) -> Commit:
    """Read a commit. Raises `Malformed`."""
    tree, parents, at = parse_links(octets, id_size)
    head, blank, message = octets[at:].partition(b"\n\n")
    # A commit without a message may end with its last header.
    if not blank and not head.endswith(b"\n"):
        raise Malformed("commit: its headers do not end")
    author, _, rest = head.partition(b"\n")
    committer, _, extra = rest.partition(b"\n")
    if extra and not extra.endswith(b"\n"):
        extra += b"\n"
    return Commit(tree, parents, _person(author, b"author "), _person(committer, b"committer "), message, extra)


def parse_links(octets: bytes, id_size: int = 20) -> tuple[bytes, tuple[bytes, ...], int]:
    """Read tree, parents, and where the rest begins: what walking a history needs. Raises `Malformed`."""
    width = 2 * id_size
    tree = _id(octets, b"tree ", 0, width)
    at = 6 + width
    parents = []
    while octets.startswith(b"parent ", at):
        parents.append(_id(octets, b"parent ", at, width))
        at += 8 + width
    return tree, tuple(parents), at


def _id(octets: bytes, key: bytes, at: int, width: int) -> bytes:
    start = at + len(key)
    digits = octets[start : start + width]
    if not octets.startswith(key, at) or len(digits) != width or octets[start + width : start + width + 1] != b"\n":
        raise Malformed(f"commit: no {key.decode()}at octet {at}")
    if not _HEX.fullmatch(digits):
        raise Malformed(f"commit: {digits!r} is no id")
    return bytes.fromhex(digits.decode())


def _person(line: bytes, key: bytes) -> Person:
    match = _PERSON.fullmatch(line, len(key)) if line.startswith(key) else None
    if match is None:
        raise Malformed(f"commit: {line[:80]!r} where {key.decode()}should stand")
    return Person(match[1], int(match[2]), match[3])
