"""wheels.lock: the distributions of an image, each with the hash of its wheel; and where the wheels are kept.

The lock says what, not whence: no address of an index is in it. Wheels lie in the user's cache under their hash, and
are verified whenever they are read.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from fata.config.project import Project
from fata.config.toml import read_toml
from fata.errors import ConfigError
from fata.target.image.distributions import Distribution, from_wheel
from fata.target.image.guest import VERSION

LOCK = "wheels.lock"
FORM = 1  # version of the file's form
FETCH = "Run `fata lock --fetch`."
AGAIN = "Run `fata lock` again."


class Wheel(NamedTuple):
    """A pure wheel. `sha256` in hexadecimal."""

    name: str
    version: str
    file: str
    sha256: str


class WheelLock(NamedTuple):
    """What was resolved, and for which requirements."""

    requires: tuple[str, ...]
    wheels: tuple[Wheel, ...]


def cache_folder() -> Path:
    """Return the folder of what fata keeps for a user: $XDG_CACHE_HOME/fata."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fata"


def cached(wheel: Wheel) -> Path:
    """Return where a wheel is kept, there or not."""
    return cache_folder() / "wheels" / wheel.sha256 / wheel.file


def lock_text(requires: Sequence[str], wheels: Sequence[Wheel]) -> str:
    """Return the lock's content: sorted, so that a difference is a difference."""
    listed = ", ".join(f'"{requirement}"' for requirement in sorted(requires))
    lines = [
        "# Written by `fata lock`: the wheels that images of this folder are made of. Keep it with the sources.",
        f"version = {FORM}",
        f'python = "{VERSION[0]}.{VERSION[1]}"',
        f"requires = [{listed}]",
    ]
    for wheel in sorted(wheels):
        lines += ["", "[[wheel]]", *(f'{name} = "{value}"' for name, value in wheel._asdict().items())]
    return "\n".join(lines) + "\n"


def read_wheel_lock(directory: Path) -> WheelLock | None:
    """Read the lock beside an application; None when there is none. Raises ConfigError."""
    file = directory / LOCK
    try:
        table = read_toml(file)
        wheels = tuple(Wheel(**row) for row in table.get("wheel", []))
        if table["version"] != FORM:
            raise ValueError(f"version {table['version']}, and this fata reads {FORM}")
        for wheel in wheels:
            if "/" in wheel.file or not all(isinstance(value, str) for value in wheel) or not _is_hash(wheel.sha256):
                raise ValueError(f"{wheel.name!r} is no wheel with a hash")
        return WheelLock(tuple(table["requires"]), wheels)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"cannot be read: {error}", remedy=AGAIN, file=str(file)) from None


def locked_wheels(project: Project) -> list[Distribution] | None:
    """Return the distributions of a project's lock, from the cache; None without a lock.

    Raises ConfigError for a wheel that is not there or not the one that was locked, and for a lock that was made for
    other packages than config.py names now.
    """
    lock = read_wheel_lock(project.directory)
    if lock is None:
        return None
    file = str(project.directory / LOCK)
    for package in project.packages:
        if package.requirement not in lock.requires:
            raise package.where.error(f"package({package.requirement!r}) is not in {file}", AGAIN)
    for wheel in lock.wheels:
        _verify(wheel, file)
    return [from_wheel(cached(wheel)) for wheel in lock.wheels]


def keep(wheel: Wheel, data: bytes) -> None:
    """Put a wheel into the cache. Raises ConfigError when it is not the one that was locked."""
    found = hashlib.sha256(data).hexdigest()
    if found != wheel.sha256:
        raise ConfigError(
            f"{wheel.file} has the SHA-256 {found}, and {wheel.sha256} was locked",
            remedy="The index serves another file under this name; find out why before you lock it anew.",
        )
    place = cached(wheel)
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_name(f".{wheel.file}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(place)


def _verify(wheel: Wheel, lock: str) -> None:
    try:
        data = cached(wheel).read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"{wheel.file} is locked and not at hand", remedy=FETCH, file=lock) from None
    if hashlib.sha256(data).hexdigest() != wheel.sha256:
        raise ConfigError(f"{cached(wheel)} is not the wheel that was locked", remedy=FETCH, file=lock)


def _is_hash(text: str) -> bool:
    return len(text) == 64 and all(character in "0123456789abcdef" for character in text)
