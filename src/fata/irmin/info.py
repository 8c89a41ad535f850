"""Who made a commit, when and why."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from fata.disk.git import commits
from fata.disk.git.commits import Person

ANONYMOUS = "fata <>"
_WHO = re.compile(r"[^<>\n\0]+ <[^<>\n\0]*>")
_ILLEGAL = re.compile(r"[<>\n\0]")


class Info(NamedTuple):
    """What is known of a commit besides its contents.

    `author` is "name <address>"; a bare name is given an empty address. `date` is in seconds since 1970, `zone` as in
    "+0200". `committer` is the same person if None.
    """

    message: str = ""
    author: str = ANONYMOUS
    date: int = 0
    zone: str = "+0000"
    committer: str | None = None


@lru_cache(256)
def people(author: str, committer: str | None, date: int, zone: str) -> bytes:
    """Return the lines of a commit that say who made it; many have the same ones."""
    first = Person(who(author), date, zone.encode())
    return commits.people(first, first if committer is None else first._replace(who=who(committer)))


@lru_cache(256)
def who(author: str) -> bytes:
    """Spell a person so that git accepts it: brackets and line ends are left out of a name."""
    if not _WHO.fullmatch(author):
        author = f"{_ILLEGAL.sub('', author).strip() or 'nobody'} <>"
    return author.encode("utf-8", "surrogateescape")


def message_octets(message: str) -> bytes:
    """Spell a message: with a line end behind it, and no NUL, at which git would stop reading."""
    octets = message.encode("utf-8", "surrogateescape").replace(b"\0", b"")
    return octets if octets.endswith(b"\n") or not octets else octets + b"\n"
