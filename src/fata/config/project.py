"""From what the user names to a project: a folder with config.py, or an application alone."""

from __future__ import annotations

import sys
from pathlib import Path
from types import CodeType
from typing import NamedTuple

from fata.config.nearest import nearest
from fata.config.registry import Job, Package, Registry, not_read, reading
from fata.config.signature.source import Sources
from fata.config.where import READING, Where
from fata.errors import ConfigError

CONFIG = "config.py"


class Project(NamedTuple):
    """A program to be: its name, its folder, its jobs and packages."""

    name: str
    directory: Path  # absolute
    config: Path | None  # None when an application was named alone
    jobs: tuple[Job, ...]
    packages: tuple[Package, ...]
    sources: Sources


def load(subject: str, search: tuple[Path, ...] | None = None) -> Project:
    """Load what `subject` names: a folder, "module:name", or "folder/module:name". Raises ConfigError.

    `search` are the folders of installed packages; by default those of this interpreter.
    """
    path, colon, name = subject.rpartition(":")
    if not colon:
        return _load_folder(Path(subject).resolve(), search)
    folder, _, module = path.rpartition("/")
    directory = Path(folder or ".").resolve()
    if not directory.is_dir():
        raise ConfigError(f"there is no folder {folder}", remedy="Write folder/module:name.")
    job = Job(f"{module}:{name}", None, {})
    program = name.lower() if module in ("app", "main") else module.replace(".", "-")
    return Project(program.replace("_", "-"), directory, None, (job,), (), _sources(directory, search))


def _sources(directory: Path, search: tuple[Path, ...] | None) -> Sources:
    if search is None:
        search = tuple(Path(entry) for entry in sys.path if entry)
    return Sources([directory, *(entry for entry in search if entry != directory)])


def _load_folder(directory: Path, search: tuple[Path, ...] | None) -> Project:
    config = directory / CONFIG
    if directory.is_file():
        raise ConfigError(
            f"{directory} is a file", remedy=f"Name its folder, or an application: {directory.stem}:Class."
        )
    if not directory.is_dir():
        raise ConfigError(f"there is no folder {directory}", remedy="Name a folder with a config.py, or module:Class.")
    if not config.is_file():
        raise ConfigError(
            f"there is no {CONFIG} in {directory}",
            remedy="`fata new NAME` makes one; or name an application alone: fata run app:Class.",
        )
    registry = _read(config, directory)
    if registry.name is None:
        raise not_read(str(config))
    return Project(
        registry.name, directory, config, registry.jobs, tuple(registry.packages), _sources(directory, search)
    )


def _read(config: Path, directory: Path) -> Registry:
    registry = Registry()
    token = reading.set(registry)
    before = set(sys.modules)
    sys.path.insert(0, str(directory))  # config.py may import what stands beside it
    try:
        exec(_compile(config), {"__name__": READING, "__file__": str(config)})
    except ConfigError as error:
        raise error if error.file is not None else _at(config, error, error.reason, error.remedy) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001  # config.py may raise anything; it becomes one message
        raise _at(config, error, f"{type(error).__name__}: {error}", _remedy(error)) from None
    finally:
        sys.path.remove(str(directory))
        reading.reset(token)
        _forget(directory, sys.modules.keys() - before)
    return registry


def _remedy(error: BaseException) -> str:
    """Say how to mend an exception: most often a name of the language was not imported, or is misspelled."""
    if not isinstance(error, NameError) or not error.name:
        return "Mend this line."
    from fata.config import __all__ as words

    near = nearest(error.name, words)
    if error.name in words:
        return f"Import it: from fata.config import {error.name}"
    return f"Did you mean {near!r}, of fata.config?" if near else "Mend this line."


def _forget(directory: Path, names: set[str]) -> None:
    """Unload what config.py imported from beside it: it may have changed when the project is loaded again.

    What is installed stays, even if the folder it is installed in stands there too.
    """
    for name in names:
        base = directory.joinpath(*name.split("."))
        if getattr(sys.modules[name], "__file__", None) in (f"{base}.py", str(base / "__init__.py")):
            del sys.modules[name]


def _compile(config: Path) -> CodeType:
    try:
        return compile(config.read_bytes(), str(config), "exec")
    except SyntaxError as error:
        raise ConfigError(
            f"syntax error: {error.msg}", remedy="Mend the syntax.", file=str(config), line=error.lineno
        ) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot be read: {error}", remedy="It must be Python in UTF-8.", file=str(config)) from None


def _at(config: Path, error: BaseException, reason: str, remedy: str) -> ConfigError:
    """Blame the line of config.py that was running."""
    import traceback

    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == str(config)]
    return Where(str(config), lines[-1] if lines else 1).error(reason, remedy)
