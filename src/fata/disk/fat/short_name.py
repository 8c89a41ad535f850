"""Short names: 8 and 3 octets, upper case, padded with spaces; made for long names with `~N`."""

from __future__ import annotations

import encodings.cp437  # noqa: F401  # CODE_PAGE: an image has no codec that is named by a variable only
from collections.abc import Callable

from fata.disk.fat.entry import KANJI, LOWER_EXTENSION, LOWER_STEM

CODE_PAGE = "cp437"  # what names without a long one are read as
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'()-@^_`{}~")
MAX_TAIL = 999_999


def text(name: bytes, case: int = 0) -> str:
    """Return the name that people see. Never empty and without "/" and NUL, whatever the octets."""
    if name[0] == KANJI:
        name = b"\xe5" + name[1:]
    stem = name[:8].decode(CODE_PAGE).rstrip(" ")
    extension = name[8:].decode(CODE_PAGE).rstrip(" ")
    if case & LOWER_STEM:
        stem = stem.lower()
    if case & LOWER_EXTENSION:
        extension = extension.lower()
    shown = f"{stem}.{extension}" if extension else stem
    return shown.replace("/", "_").replace("\0", "_") or "_"


def is_valid(name: bytes) -> bool:
    """Say whether 11 octets may stand in an entry: no lower case, no control or separator, no leading space."""
    octets = bytes([0xE5]) + name[1:] if name[0] == KANJI else name
    if octets[0] == 0x20 or any(octet < 0x20 or octet in b'"*+,./:;<=>?[\\]|' for octet in octets):
        return False
    return not any(0x61 <= octet <= 0x7A for octet in octets)


def exactly(name: str) -> bytes | None:
    """Return the 11 octets if they say all of the name: upper case, 8.3; else None."""
    stem, dot, extension = name.rpartition(".") if "." in name else (name, "", "")
    if not stem or len(stem) > 8 or len(extension) > 3 or (dot and not extension):
        return None
    if not _PLAIN.issuperset(stem) or not _PLAIN.issuperset(extension):
        return None
    return f"{stem:8}{extension:3}".encode("ascii")


def basis(name: str) -> tuple[str, str, bool]:
    """Return stem and extension that stand for a long name, and whether they need a `~N`."""
    bare = name.lstrip(". ")
    stem, _, extension = bare.rpartition(".") if "." in bare else (bare, "", "")
    short_stem, short_extension = _reduced(stem), _reduced(extension)
    lossy = (short_stem, short_extension) != (stem.upper(), extension.upper()) or bare != name
    if len(short_stem) > 8 or len(short_extension) > 3 or not short_stem:
        lossy = True
    return short_stem[:8] or "_", short_extension[:3], lossy


def _reduced(piece: str) -> str:
    if piece.isascii():
        upper = piece.upper()
        if _PLAIN.issuperset(upper):
            return upper
    kept = (sign for sign in piece if sign not in " .")
    return "".join(upper if (upper := sign.upper()) in _PLAIN else "_" for sign in kept)


def make(name: str, taken: Callable[[str], bool], first: dict[str, int]) -> bytes | None:
    """Return 11 octets for a long name; None when every `~N` is taken.

    `taken` is asked with a name as people see it. `first` remembers for each stem which number to try first,
    so that the thousandth name of a kind does not ask a thousand times.
    """
    stem, extension, lossy = basis(name)
    dot = f".{extension}" if extension else ""
    if not lossy and not taken(stem + dot):
        return f"{stem:8}{extension:3}".encode("ascii")
    hint = f"{stem[:6]}{dot}"
    for number in range(first.get(hint, 1), MAX_TAIL + 1):
        tail = f"~{number}"
        tailed = stem[: 8 - len(tail)] + tail
        if not taken(tailed + dot):
            first[hint] = number + 1
            return f"{tailed:8}{extension:3}".encode("ascii")
    return None
