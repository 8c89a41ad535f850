"""Where the guest would find a module: in the library, among the application's own, in fata, in a distribution."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import fata
from fata.errors import ConfigError
from fata.target.image.distributions import Distribution, Shelf
from fata.target.image.standard import Standard

FATA = Path(fata.__file__).parent


class Origin(StrEnum):
    """Whose a module is."""

    OWN = "own"
    FATA = "fata"
    DISTRIBUTION = "distribution"
    STANDARD = "standard"


@dataclass(frozen=True, slots=True)
class Found:
    """A module that there is. `path` is that of its source in the zip; "" for the library and for bare folders."""

    name: str
    origin: Origin
    path: str = ""
    shown: str = ""  # its source, for messages
    distribution: Distribution | None = None
    compiled: bool = False  # a C extension, without a source beside it
    file: Path | None = None
    text: bytes | None = None  # its source where it is in no file yet

    @property
    def package(self) -> bool:
        """Whether it has submodules."""
        return self.path.endswith("__init__.py")

    def source(self) -> bytes:
        """Return its source."""
        if self.text is not None:
            return self.text
        if self.file is not None:
            return self.file.read_bytes()
        assert self.distribution is not None
        return self.distribution.files[self.path].read()


class Places:
    """Looks modules up in the order of the guest's import system."""

    def __init__(self, directory: Path, library: Standard, shelf: Shelf) -> None:
        self.directory = directory  # of the application
        self.library = library
        self.shelf = shelf
        self._found: dict[str, Found | None] = {}

    def find(self, name: str) -> Found | None:
        """Return the module of a dotted name; None when there is none anywhere.

        Raises ConfigError for a module of the application that hides one of the library.
        """
        if name not in self._found:
            self._found[name] = self._find(name)
        return self._found[name]

    def _find(self, name: str) -> Found | None:
        top = name.partition(".")[0]
        own = _below(self.directory, name, Origin.OWN)
        if self.library.owns(top):
            if own is not None and own.file is not None:
                raise ConfigError(
                    f"module {name!r} has the name of one of the standard library, which would be imported instead",
                    remedy="Give it another name.",
                    file=own.shown,
                )
            return Found(name, Origin.STANDARD) if self.library.has(name) else None
        if own is not None and own.file is not None:
            return own
        if top == "fata":
            return _below(FATA.parent, name, Origin.FATA)
        distribution = self.shelf.providing(name)
        return own if distribution is None else _within(distribution, name)


def _below(folder: Path, name: str, origin: Origin) -> Found | None:
    relative = Path(*name.split("."))
    for candidate in (relative / "__init__.py", relative.with_suffix(".py")):
        file = folder / candidate
        if file.is_file():
            return Found(name, origin, candidate.as_posix(), str(file), file=file)
    return Found(name, origin) if (folder / relative).is_dir() else None


def _within(distribution: Distribution, name: str) -> Found | None:
    path = distribution.modules.get(name)
    if path is not None:
        return Found(name, Origin.DISTRIBUTION, path, distribution.files[path].shown, distribution)
    if name in distribution.extensions:
        shown = distribution.files[distribution.extensions[name]].shown
        return Found(name, Origin.DISTRIBUTION, "", shown, distribution, compiled=True)
    return Found(name, Origin.DISTRIBUTION, "", "", distribution) if name in distribution.folders else None
