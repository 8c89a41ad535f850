"""What git uses besides its references: what is staged, detached heads, and what the reflogs can bring back.

Ids are looked for as such, wherever they stand: no version of the index, and no extension of it, can hide one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from fata.irmin.backend.git.files import read_whole

SIZE = 20  # octets of an id
_HEX = re.compile(rb"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])")


def held(shared: str, ids: set[bytes]) -> set[bytes]:
    """Return those of `ids` that the repository at `shared`, or a worktree of it, names outside its references."""
    found: set[bytes] = set()
    for git in _git_directories(shared):
        for name in os.listdir(git):
            octets = read_whole(os.path.join(git, name)) or b"" if _is_asked(name) else b""
            if name.endswith("HEAD"):
                found |= {bytes.fromhex(each.decode()) for each in _HEX.findall(octets)}
            else:
                found |= {octets[at : at + SIZE] for at in range(len(octets)) if octets[at : at + SIZE] in ids}
        for folder, _, names in os.walk(os.path.join(git, "logs")):
            for name in names:
                octets = read_whole(os.path.join(folder, name)) or b""
                found |= {bytes.fromhex(each.decode()) for each in _HEX.findall(octets)}
    return found & ids


def _is_asked(name: str) -> bool:
    return name == "index" or name.startswith("sharedindex.") or name.endswith("HEAD")


def _git_directories(shared: str) -> Iterator[str]:
    yield shared
    try:
        names = os.listdir(os.path.join(shared, "worktrees"))
    except FileNotFoundError:
        return
    yield from (os.path.join(shared, "worktrees", name) for name in names)
