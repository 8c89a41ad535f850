"""A runtime: the folder that `make runtime` fills and the wheel brings, from which every image is made.

fata.elf       kernel and Python in one file, without an application
fata.debug     its debug information, for `fata debug` and gdb (may be missing)
manifest.json  what is in it: Python's version, C modules, frozen modules, measured memory floors
stdlib.zip     the whole pure standard library, compiled; here or, for all profiles, one folder up
stdlib.json    beside it: which of its modules imports which, and when
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fata.errors import ConfigError

VARIABLE = "FATA_RUNTIME"
FULL, LEAN = "full", "lean"
OPENSSL = frozenset({"_cipher", "_hashlib", "_ssl", "ssl"})  # what only the full profile has


@dataclass(frozen=True, slots=True)
class Runtime:
    """What an image starts from."""

    folder: Path
    profile: str
    python: str
    builtin: frozenset[str]
    frozen: frozenset[str]
    floors: Mapping[str, int] = field(hash=False)  # MiB of RAM with which each was seen to work: "hello", "asyncio"

    @property
    def elf(self) -> Path:
        """The ELF file without an application."""
        return self.folder / "fata.elf"

    @property
    def library(self) -> Path:
        """The zip of the standard library."""
        own = self.folder / "stdlib.zip"
        return own if own.is_file() else self.folder.parent / "stdlib.zip"

    @property
    def debug(self) -> Path | None:
        """The debug information; None when it was not kept."""
        file = self.folder / "fata.debug"
        return file if file.is_file() else None


def find_runtime(profile: str) -> Runtime:
    """Return the runtime of a profile: from $FATA_RUNTIME, else the wheel's, else a source tree's.

    Raises ConfigError when there is none.
    """
    found = has_runtime(profile)
    if found is None:
        raise ConfigError(
            f"there is no {profile} runtime to build images from",
            remedy=f"In a source tree run `make runtime`; or name the folder of one in {VARIABLE}.",
        )
    return found


def has_runtime(profile: str) -> Runtime | None:
    """Return the runtime of a profile; None when there is none. Raises ConfigError for a broken one."""
    folders = (place / profile for place in _places())
    return next((load_runtime(folder) for folder in folders if (folder / "manifest.json").is_file()), None)


def load_runtime(folder: Path) -> Runtime:
    """Read a runtime's manifest. Raises ConfigError for a folder that is none."""
    manifest = folder / "manifest.json"
    try:
        table: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
        return Runtime(
            folder,
            str(table["profile"]),
            str(table["python"]),
            frozenset(table["builtin"]),
            frozenset(table["frozen"]),
            {str(name): int(floor) for name, floor in table.get("floors", {}).items()},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"is no runtime: {type(error).__name__}: {error}", remedy="Build it again.", file=str(manifest)
        ) from None


def _places() -> list[Path]:
    named = os.environ.get(VARIABLE)
    if named:
        return [Path(named)]
    package = Path(__file__).resolve().parents[2]
    return [package / "runtimes", package.parents[1] / "build" / "runtime"]
