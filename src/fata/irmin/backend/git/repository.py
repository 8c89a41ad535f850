"""Where a repository is, what it says about itself, and how a new one is made."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from fata.errors import Unavailable
from fata.irmin.backend.git.files import read_whole
from fata.irmin.refname import check

CONFIG = """[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = {bare}
"""
_SETTING = re.compile(r"^\s*(\w+)\s*=\s*(.*?)\s*$")


class Places(NamedTuple):
    """The git directory, and the one that it shares objects and references with (another one for a worktree)."""

    git: str
    shared: str


def find(path: str) -> Places:
    """Find the git directory at `path`: a bare one, or `.git` in it. Raises `Unavailable`."""
    inside = os.path.join(path, ".git")
    git = path
    if os.path.isdir(inside):
        git = inside
    elif os.path.isfile(inside):
        git = os.path.join(path, (read_whole(inside) or b"").decode().removeprefix("gitdir: ").strip())
    if not os.path.isdir(os.path.join(git, "refs")) and not os.path.isfile(os.path.join(git, "commondir")):
        raise Unavailable(f"{path} is no git repository", "make one with: fata irmin init")
    common = read_whole(os.path.join(git, "commondir"))
    shared = git if common is None else os.path.join(git, common.decode().strip())
    _check_format(shared)
    return Places(os.path.abspath(git), os.path.abspath(shared))


def _check_format(git: str) -> None:
    """Refuse a repository whose format is another than ours. Raises `Unavailable`."""
    settings = {}
    for line in (read_whole(os.path.join(git, "config")) or b"").decode("utf-8", "replace").splitlines():
        if match := _SETTING.match(line):
            settings[match[1].lower()] = match[2].lower()
    if settings.get("objectformat", "sha1") != "sha1" or settings.get("refstorage", "files") != "files":
        raise Unavailable(f"{git}: only repositories with SHA-1 and references in files can be opened")
    if settings.get("repositoryformatversion", "0") not in ("0", "1"):
        raise Unavailable(f"{git}: repository format {settings['repositoryformatversion']} is unknown")


def alternates(objects: str) -> list[str]:
    """Return the directories `objects` that a repository borrows from, those that they borrow from included."""
    found: list[str] = []
    queue = [objects]
    for each in queue:  # grows while it is walked
        for line in (read_whole(f"{each}/info/alternates") or b"").decode("utf-8", "surrogateescape").splitlines():
            place = os.path.normpath(os.path.join(each, line))
            if line and not line.startswith("#") and place not in queue and os.path.isdir(place):
                queue.append(place)
                found.append(place)
    return found


def init(path: str, *, bare: bool = True, branch: str = "main") -> str:
    """Make a repository, unless there is one; return its git directory. Raises `Unavailable`."""
    check(branch)
    git = path if bare else os.path.join(path, ".git")
    try:
        for place in ("objects/pack", "objects/info", "refs/heads", "refs/tags"):
            os.makedirs(os.path.join(git, place), exist_ok=True)
        for name, text in (("config", CONFIG.format(bare=str(bare).lower())), ("HEAD", f"ref: refs/heads/{branch}\n")):
            with open(os.path.join(git, name), "x", encoding="utf-8") as file:
                file.write(text)
    except FileExistsError:
        pass  # it is there already, and keeps what it says
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}") from None
    return git
