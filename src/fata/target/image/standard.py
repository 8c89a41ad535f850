"""The guest's standard library: what of it is there, what cannot be, and what an import of it pulls in."""

from __future__ import annotations

import functools
import json
import zipfile
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from fata.errors import ConfigError
from fata.target.image.runtime import Runtime

NO_PROCESS = "there is one process, and no other can be started"
NO_SOCKETS = "there are no sockets of a host; ask for a Stack"
POINTLESS: Mapping[str, str] = {
    "concurrent.futures.process": NO_PROCESS,
    "multiprocessing": NO_PROCESS,
    "pty": NO_PROCESS,
    "subprocess": NO_PROCESS,
    "venv": NO_PROCESS,
    "webbrowser": NO_PROCESS,
}
"""Modules that can be imported in the guest and then do nothing of use; an application of ours may not."""

LIMITED: Mapping[str, str] = {
    "ftplib": NO_SOCKETS,
    "imaplib": NO_SOCKETS,
    "nntplib": NO_SOCKETS,
    "poplib": NO_SOCKETS,
    "smtplib": NO_SOCKETS,
    "socket": NO_SOCKETS,
    "socketserver": NO_SOCKETS,
    "telnetlib": NO_SOCKETS,
    "glob": "of files there are /app.zip, /boot and /tmp",
    "pathlib": "of files there are /app.zip, /boot and /tmp",
    "shutil": "of files there are /app.zip, /boot and /tmp",
    "tempfile": "in memory, and little of it",
    "zoneinfo": "zones come from the distribution tzdata: `import tzdata` too",
    "signal": "SIGINT (Ctrl-C) and SIGTERM (the power button) arrive; no others",
}
"""Modules that work in part."""

FOR_WINDOWS = "it is for Windows"
NO_DISPLAY = "there is no display"
ABSENT: Mapping[str, str] = {
    **dict.fromkeys(("msilib", "msvcrt", "nt", "winreg", "winsound"), FOR_WINDOWS),
    **dict.fromkeys(("idlelib", "tkinter", "turtle", "turtledemo"), NO_DISPLAY),
    **dict.fromkeys(("distutils", "ensurepip", "lib2to3", "pydoc_data"), "it is a developer's tool, and left out"),
}
"""Modules left out for another reason than their C code."""

ALWAYS_THERE = ("encodings.ascii", "encodings.latin_1", "encodings.utf_8", "io", "os", "sys", "zipimport")
ALIASES = frozenset({"__main__", "os.path"})  # in sys.modules without a file of the name


class Place(StrEnum):
    """Where a module of the library is."""

    BUILTIN = "builtin"  # C, in the ELF file
    FROZEN = "frozen"  # in the ELF file
    PACKED = "packed"  # in the zip of an application that reaches it
    MISSING = "missing"


class Status(NamedTuple):
    """What the guest has of a module. `why` says what is wrong with it; "" when nothing is."""

    place: Place
    why: str

    @property
    def works(self) -> bool:
        """Whether it does all that it does elsewhere."""
        return not self.why


class Standard:
    """The standard library of one runtime."""

    def __init__(self, runtime: Runtime, names: Iterable[str], imports: Mapping[str, Mapping[str, list[str]]]) -> None:
        self.runtime = runtime
        self.names = frozenset(names)  # of the top-level modules, those in C that are missing too
        self._imports = imports
        self._reasons: dict[str, str | None] = {}

    def owns(self, name: str) -> bool:
        """Say whether a dotted name belongs to the library, there or not."""
        top = name.partition(".")[0]
        return top in self.names or top in self.runtime.builtin

    def has(self, name: str) -> bool:
        """Say whether there is such a module in the guest, or could be."""
        return name in self._imports or name in self.runtime.builtin or name in self.runtime.frozen or name in ALIASES

    def why_not(self, name: str) -> str | None:
        """Return why a module cannot be imported in the guest; None when it can."""
        if name not in self._reasons:
            self._reasons[name] = None  # a ring of imports is no reason
            self._reasons[name] = self._reason(name)
        return self._reasons[name]

    def pointless(self, name: str) -> str | None:
        """Return why a module that can be imported is of no use; None for the others."""
        parts = name.split(".")
        prefixes = (".".join(parts[:cut]) for cut in range(1, len(parts) + 1))
        return next((POINTLESS[prefix] for prefix in prefixes if prefix in POINTLESS), None)

    def status(self, name: str) -> Status:
        """Return what the guest has of a module."""
        reason = self.why_not(name)
        if reason is not None:
            return Status(Place.MISSING, reason)
        why = self.pointless(name) or LIMITED.get(name, "")
        if name in self.runtime.builtin:
            return Status(Place.BUILTIN, why)
        return Status(Place.FROZEN if name in self.runtime.frozen or name in ALIASES else Place.PACKED, why)

    def closure(self, names: Iterable[str]) -> set[str]:
        """Return the modules that can be imported among `names`, and all that these may import."""
        found: set[str] = set()
        waiting = [*names, *ALWAYS_THERE]
        while waiting:
            name = waiting.pop()
            if name in found or not self.has(name) or self.why_not(name) is not None:
                continue
            found.add(name)
            waiting += [name.rpartition(".")[0]] if "." in name else []
            for imported in self._imports.get(name, {}).values():
                waiting += imported
        return found

    def _reason(self, name: str) -> str | None:
        if not self.has(name):
            if not self.owns(name) or "." in name:
                return f"there is no {name}"
            return ABSENT.get(name, f"{name} is C code that is not in the guest")
        parent = name.rpartition(".")[0]
        for needed in [*([parent] if parent else []), *self._imports.get(name, {}).get("always", [])]:
            # `from package import name` may name a module or not: only what the library has can be missing.
            reason = self.why_not(needed)
            if reason is not None:
                return reason
        return None


@functools.lru_cache(maxsize=4)
def standard(runtime: Runtime) -> Standard:
    """Read a runtime's table of the library. Raises ConfigError."""
    file = runtime.library.with_suffix(".json")
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
        return Standard(runtime, table["names"], table["modules"])
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f"cannot be read: {error}", remedy="Build the runtime again.", file=str(file)) from None


def compiled(runtime: Runtime, names: Iterable[str]) -> dict[str, bytes]:
    """Return the library's compiled modules among `names`, each by its path in a zip."""
    file = runtime.library
    try:
        with zipfile.ZipFile(file) as archive:
            inside = archive.NameToInfo
            paths = [path for name in sorted(names) for path in _paths(name) if path in inside]
            return {path: archive.read(path) for path in paths}
    except (OSError, zipfile.BadZipFile) as error:
        raise ConfigError(f"cannot be read: {error}", remedy="Build the runtime again.", file=str(file)) from None


def _paths(name: str) -> tuple[str, str]:
    base = name.replace(".", "/")
    return f"{base}.pyc", f"{base}/__init__.pyc"
