"""From what was found to the files of an image's archive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from fata.errors import ConfigError
from fata.target.image.archive import Entry
from fata.target.image.compiled import can_compile, compile_all
from fata.target.image.finder import MAIN, Findings
from fata.target.image.places import Origin
from fata.target.image.runtime import Runtime
from fata.target.image.standard import compiled as library_files

APPLICATION, FATA, LIBRARY, FILES = "application", "fata", "standard library", "files"
"""Groups; every distribution is one more, by its name."""


def pack(program: bytes, findings: Findings, runtime: Runtime, files: Iterable[Path]) -> list[Entry]:
    """Return the archive's files: the generated `program`, what it reaches, and the assets `files`.

    The application's modules are there as source too, for tracebacks. Raises ConfigError for what cannot be compiled.
    """
    sources = [Entry(f"{MAIN}.py", program, APPLICATION, MAIN)]
    sources += [
        Entry(found.path, found.source(), _GROUPS[found.origin], found.name)
        for found in findings.modules
        if found.origin in _GROUPS
    ]
    data: list[Entry] = []
    for distribution in findings.distributions:
        for path in distribution.packed():
            entry = Entry(
                path, distribution.files[path].read(), distribution.name, path.replace("/", ".").removesuffix(".py")
            )
            (sources if path.endswith(".py") else data).append(entry)
    data += [Entry(file.name, file.read_bytes(), FILES, file.name) for file in files]
    return [*_modules(sources), *_library(findings, runtime), *data]


_GROUPS = {Origin.OWN: APPLICATION, Origin.FATA: FATA}


def _modules(sources: list[Entry]) -> Iterator[Entry]:
    if not can_compile():
        yield from sources
        return
    for entry, code in zip(sources, _compiled(sources), strict=True):
        if code is None or entry.group == APPLICATION:
            yield entry
        if code is not None:
            yield entry._replace(path=f"{entry.path}c", data=code)


def _compiled(sources: list[Entry]) -> list[bytes | None]:
    """Compile each; None for a module of a distribution that the guest's Python does not read: nothing imports it."""
    results: list[bytes | None] = []
    for entry, result in zip(sources, compile_all([(entry.path, entry.data) for entry in sources]), strict=True):
        if isinstance(result, bytes):
            results.append(result)
        elif entry.group in _GROUPS.values():
            raise ConfigError(
                f"cannot be compiled: {result.reason}", remedy="Mend it.", file=entry.path, line=result.line
            )
        else:
            results.append(None)
    return results


def _library(findings: Findings, runtime: Runtime) -> Iterator[Entry]:
    wanted = findings.standard - runtime.frozen - runtime.builtin
    for path, data in library_files(runtime, wanted).items():
        yield Entry(path, data, LIBRARY, path.removesuffix(".pyc").removesuffix("/__init__").replace("/", "."))
