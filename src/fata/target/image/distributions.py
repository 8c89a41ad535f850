"""Distributions, as they are installed beside fata or as wheels of a lock: names, versions, files."""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from fata.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import Distribution as MetadataDistribution

TESTS = frozenset({"test", "tests", "testing_data", "__pycache__"})
EXTENSION = re.compile(r"\.(cpython-[^.]+|abi3)?\.?(so|pyd)$")
INSTALLERS_OWN = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "WHEEL"})
"""Files beside METADATA that tell of an installation, not of what is installed."""


class File(NamedTuple):
    """One file: where a message should point, and its content."""

    shown: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Distribution:
    """What pip installs under one name. `files` are by the path that they have in site-packages."""

    name: str
    version: str
    files: Mapping[str, File]

    @cached_property
    def modules(self) -> dict[str, str]:
        """The modules it brings, each with the path of its source."""
        return {module_name(path): path for path in self.files if path.endswith(".py")}

    @cached_property
    def extensions(self) -> dict[str, str]:
        """Its compiled modules, each with the path of its file."""
        return {
            EXTENSION.sub("", path).replace("/", "."): path for path in self.files if path.endswith((".so", ".pyd"))
        }

    @cached_property
    def folders(self) -> frozenset[str]:
        """The dotted names of all its folders: any may be a package without `__init__`."""
        return frozenset(
            str(parent).replace("/", ".") for path in self.modules.values() for parent in PurePosixPath(path).parents
        )

    def provides(self, name: str) -> bool:
        """Say whether an import of `name` could find something here."""
        return name in self.modules or name in self.extensions or name in self.folders

    def packed(self) -> Iterator[str]:
        """Yield the paths that belong into an image: no tests, no stubs, no compiled code, no installer's notes."""
        for path in sorted(self.files):
            parts = PurePosixPath(path).parts
            in_metadata = parts[0].endswith((".dist-info", ".egg-info"))
            if in_metadata and parts[-1] in INSTALLERS_OWN:
                continue
            if TESTS.intersection(parts[:-1]) or path.endswith((".so", ".pyd", ".pyi", ".pyc", "py.typed", ".pth")):
                continue
            yield path


def module_name(path: str) -> str:
    """Return the dotted name of a source file's path."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


class Shelf:
    """The distributions that an image may take from. Each top-level name is looked for once."""

    def __init__(self, find: Callable[[str], tuple[Distribution, ...]]) -> None:
        self._find = find
        self._found: dict[str, tuple[Distribution, ...]] = {}

    def providing(self, name: str) -> Distribution | None:
        """Return the distribution from which `name` would be imported; None when there is none."""
        return next((each for each in self.all_with(name.partition(".")[0]) if each.provides(name)), None)

    def all_with(self, top: str) -> tuple[Distribution, ...]:
        """Return every distribution with a part of the top-level name `top`."""
        if top not in self._found:
            self._found[top] = self._find(top)
        return self._found[top]


def shelf_of(distributions: Iterable[Distribution], behind: Shelf | None = None) -> Shelf:
    """Return a shelf with these, and with those of `behind` for names that none of them has."""
    stock = tuple(distributions)
    further = (lambda _: ()) if behind is None else behind.all_with
    return Shelf(lambda top: tuple(each for each in stock if each.provides(top)) or further(top))


def installed_shelf(folders: Iterable[Path] | None = None) -> Shelf:
    """Return the shelf of what is installed in `folders`; by default beside this tool."""
    places = [Path(entry) for entry in sys.path if entry] if folders is None else list(folders)
    return Shelf(partial(_installed, places))


def _installed(places: list[Path], top: str) -> tuple[Distribution, ...]:
    """Return every distribution with a part of `top`: more than one for a package without `__init__`."""
    place = next((place for place in places if _has(place, top)), None)
    if place is None:
        return ()
    from importlib import metadata  # 15 ms, and not for a lock's wheels

    shared = not ((place / f"{top}.py").is_file() or (place / top / "__init__.py").is_file())
    candidates = list(metadata.distributions(path=[str(place)]))
    # Most distributions are called as what they bring; only the others cost a look into every list of files.
    candidates.sort(key=lambda each: re.sub(r"[-_.]+", "_", each.name or "").lower() != top.lower())
    found = []
    for candidate in candidates:
        if any(_belongs(PurePosixPath(file), top) for file in candidate.files or ()):
            found.append(_from_metadata(candidate))
            if not shared:
                break
    return tuple(found) or _loose(place, top)


def _has(place: Path, top: str) -> bool:
    return (place / top).is_dir() or (place / f"{top}.py").is_file() or any(place.glob(f"{top}.*.so"))


def _belongs(file: PurePosixPath, top: str) -> bool:
    if len(file.parts) > 1:
        return file.parts[0] == top
    return file.name == f"{top}.py" or (file.name.startswith(f"{top}.") and file.suffix == ".so")


def _from_metadata(source: MetadataDistribution) -> Distribution:
    files = {}
    for file in source.files or []:
        path = Path(str(file.locate()))
        if ".." not in file.parts and not file.name.endswith(".pyc"):
            files[file.as_posix()] = File(str(path), path.read_bytes)
    return Distribution(source.name, source.version, files)


def _loose(place: Path, top: str) -> tuple[Distribution, ...]:
    """Return a package that lies on the path without metadata, as an editable installation does."""
    single = place / f"{top}.py"
    paths = [single] if single.is_file() else sorted(path for path in (place / top).rglob("*") if path.is_file())
    files = {path.relative_to(place).as_posix(): File(str(path), path.read_bytes) for path in paths}
    return (Distribution(top, "", files),) if files else ()


def from_wheel(file: Path) -> Distribution:
    """Return the distribution in a wheel. Raises ConfigError for a file that is none."""
    name, version = file.name.split("-")[:2]
    try:
        archive = zipfile.ZipFile(file)
    except (OSError, zipfile.BadZipFile) as error:
        raise ConfigError(f"is no wheel: {error}", remedy="Run `fata lock --fetch`.", file=str(file)) from None
    files = {}
    for path in archive.namelist():
        inside = re.sub(r"^[^/]+\.data/(purelib|platlib)/", "", path)
        if not path.endswith("/") and ".data/" not in inside:
            files[inside] = File(f"{file.name}/{path}", partial(archive.read, path))
    return Distribution(name, version, files)
