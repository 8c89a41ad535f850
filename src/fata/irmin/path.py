"""Paths: steps joined by "/". In the API text; inside, a tuple of octets, as git keeps names.

Octets of a name that are no UTF-8 are surrogates in the text (PEP 383), so every name of a real repository has one
spelling and comes back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from fata.irmin.errors import InvalidPath, TooDeep

Path = str | tuple[str, ...]  # "a/b" or ("a", "b"); "" or () is the root
Steps = tuple[bytes, ...]

DEEPEST = 2048  # steps: beyond, git refuses to look (core.maxTreeDepth)
# Names that are ".git" somewhere: in any case, with what Windows drops at the end, or leaves out of a short name, and
# with what macOS does not compare. Git neither checks such a tree out nor takes it (git-fsck(1): hasDotgit).
_DOTGIT = re.compile(rb"(?i:\.git|git~1)[. ]*(?:\Z|[\\:])")
_IGNORED = dict.fromkeys((*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF))
CACHED = 256  # characters up to which a path's steps are remembered: a bound on what the memory costs


def steps(path: Path) -> Steps:
    """Split a path. Raises `InvalidPath`."""
    if len(path) > CACHED:
        return _split(path)
    return remembered(path)


def _split(path: Path) -> Steps:
    if isinstance(path, str):
        parts = path.encode("utf-8", "surrogateescape").split(b"/") if path else []
    else:
        parts = [part.encode("utf-8", "surrogateescape") for part in path]
    if len(parts) > DEEPEST:
        raise InvalidPath(f"a path of {len(parts)} steps; the limit is {DEEPEST}")
    for part in parts:
        if not part or part in (b".", b"..") or b"/" in part or b"\0" in part:
            raise InvalidPath(f"path {_shown(path)}: {part!r} is no step")
        if _DOTGIT.match(part) or (not part.isascii() and _is_hfs_dotgit(part)):
            raise InvalidPath(f"path {_shown(path)}: {part!r} would be git's own directory in a work tree")
    return tuple(parts)


def _is_hfs_dotgit(part: bytes) -> bool:
    return part.decode("utf-8", "surrogateescape").translate(_IGNORED).lower() == ".git"


remembered = lru_cache(1 << 14)(_split)


def beneath(path: Steps, name: bytes) -> Steps:
    """Return the path of a name in a directory. Raises `TooDeep` where only a hostile tree can be."""
    if len(path) >= DEEPEST:
        raise TooDeep(f"a directory is {len(path)} steps deep; the limit is {DEEPEST}")
    return (*path, name)


@lru_cache(1 << 14)
def divided(path: Path) -> tuple[Steps, bytes]:
    """Split a path, shorter than `CACHED`, into the directories and the name; of the root neither is anything."""
    where = remembered(path)
    return where[:-1], where[-1] if where else b""


def text(step: bytes) -> str:
    """Return a step as text."""
    return step.decode("utf-8", "surrogateescape")


def texts(path: Iterable[bytes]) -> tuple[str, ...]:
    """Return a path as the API shows it."""
    return tuple(step.decode("utf-8", "surrogateescape") for step in path)


def joined(path: Iterable[bytes]) -> str:
    """Return a path as one text."""
    return b"/".join(path).decode("utf-8", "surrogateescape")


def _shown(path: Path) -> str:
    shown = repr(path)
    return shown if len(shown) < 80 else f"{shown[:77]}…"
