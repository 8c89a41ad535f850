"""What installed distributions advertise for fata, without paying for `importlib.metadata` where there is nothing.

That module parses every distribution's metadata with the `email` package: a quarter of all that a `configure` costs.
Most machines have no device of others, and whether they might can be seen from the files: what is found is then read
by the standard library, so that it means what it means to everybody else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

METADATA = (".dist-info", ".egg-info")  # how the folders of distributions' metadata end
FILE = "entry_points.txt"


def entry_points(group: str) -> Iterable[EntryPoint]:
    """Return the entry points of a group, of every distribution that this interpreter imports from."""
    if not _finders_are_known() or any(_may_advertise(str(folder) or ".", group.encode()) for folder in sys.path):
        from importlib import metadata

        return metadata.entry_points(group=group)
    return ()


def _finders_are_known() -> bool:
    """Say whether distributions are found on sys.path alone: an import hook may know of more."""
    return all(finder is PathFinder or not hasattr(finder, "find_distributions") for finder in sys.meta_path)


def _may_advertise(folder: str, group: bytes) -> bool:
    """Say whether a place to import from may have an entry point of the group; when in doubt, it may."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # a zip file, or one of which only importlib knows what it is
    if folder.lower().rstrip("/").endswith(".egg") or "EGG-INFO" in names:
        return True
    return any(_names(f"{folder}/{name}/{FILE}", group) for name in names if name.lower().endswith(METADATA))


def _names(file: str, group: bytes) -> bool:
    try:
        with open(file, "rb") as opened:
            return group in opened.read()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
