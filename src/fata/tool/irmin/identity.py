"""Who is at the keyboard: what git would write into a commit."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

_LINE = re.compile(
    r'\s*(?:\[\s*(?P<section>[^\]"]*?)\s*(?P<sub>"[^"]*")?\s*\]|(?P<name>[A-Za-z][\w-]*)\s*=\s*(?P<value>.*))'
)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


def identity(shared: str) -> str:
    """Return "name <address>": git's variables, then the repository's config, the user's, the machine's."""
    known = {"name": os.environ.get("GIT_AUTHOR_NAME"), "email": os.environ.get("GIT_AUTHOR_EMAIL")}
    for path in _files(shared):
        for name, value in _of_user(path):
            known[name] = known.get(name) or value
    return f"{known['name'] or os.environ.get('USER') or 'nobody'} <{known['email'] or ''}>"


def _files(shared: str) -> Iterator[Path]:
    yield Path(shared, "config")
    home = os.environ.get("HOME")
    if "GIT_CONFIG_GLOBAL" in os.environ:
        yield Path(os.environ["GIT_CONFIG_GLOBAL"])
    elif home:
        yield Path(home, ".gitconfig")
        yield Path(os.environ.get("XDG_CONFIG_HOME") or f"{home}/.config", "git", "config")
    yield Path("/etc/gitconfig")


def _of_user(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the settings of `[user]` in a file of git's; of one that is set twice the last comes first."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    section, found = "", {}
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue
        if match["name"] is None:
            section = "" if match["sub"] else (match["section"] or "").lower()
        elif section == "user":
            found[match["name"].lower()] = _plain(match["value"])
    yield from found.items()


def _plain(value: str) -> str:
    quoted = _QUOTED.match(value)
    return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else re.split(r"\s*[#;]", value, maxsplit=1)[0].strip()
