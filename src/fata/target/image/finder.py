"""Finds every module that a program can reach, by reading; nothing of it is imported.

What is sure to be imported is followed first, then what is guarded, then what stands in functions: so each module is
judged once, by the strongest need for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fata.errors import ConfigError
from fata.target.image.codecs import codec_module
from fata.target.image.distributions import Distribution, Shelf
from fata.target.image.guest import parse
from fata.target.image.imports import Need, Reading, read
from fata.target.image.notes import Note, Notes
from fata.target.image.places import Found, Origin, Places
from fata.target.image.rules import Case, Rules
from fata.target.image.standard import Standard

MAIN = "__main__"


@dataclass(frozen=True, slots=True)
class Findings:
    """What an image of a program needs, and what there is to say about it."""

    modules: tuple[Found, ...]  # own, fata's and distributions' that are reached, sorted by name
    distributions: tuple[Distribution, ...]  # reached, sorted by name; they are packed whole
    direct: frozenset[str]  # names of those distributions that the application or fata itself imports
    asked: frozenset[str]  # modules of the library that these import
    standard: frozenset[str]  # with all that those import, wherever they are
    notes: tuple[Note, ...]


def find(program: bytes, directory: Path, library: Standard, shelf: Shelf) -> Findings:
    """Follow the imports of the generated `program`, whose application lies in `directory`.

    Raises ConfigError at the import that cannot stand in an image.
    """
    finder = _Finder(Places(directory, library, shelf), library)
    finder.follow(Found(MAIN, Origin.FATA, f"{MAIN}.py", "main.py", text=program))
    finder.follow_hidden()
    return Findings(
        tuple(found for _, found in sorted(finder.reached.items()) if found.path and found.name != MAIN),
        tuple(sorted(finder.distributions.values(), key=lambda each: each.name.lower())),
        frozenset(finder.direct),
        frozenset(finder.standard),
        frozenset(library.closure(finder.standard)),
        finder.notes.sorted(),
    )


class _Finder:
    def __init__(self, places: Places, library: Standard) -> None:
        self.places = places
        self.library = library
        self.notes = Notes()
        self.rules = Rules(library, self.notes)
        self.reached: dict[str, Found] = {}
        self.distributions: dict[str, Distribution] = {}
        self.direct: set[str] = set()
        self.standard: set[str] = set()
        self._waiting: dict[Need, list[Found]] = {need: [] for need in Need}
        self._computing: set[str] = set()  # names of distributions that import what only running can tell

    def follow(self, root: Found) -> None:
        """Follow everything from one module on."""
        self._waiting[Need.ALWAYS].append(root)
        while (need := self._strongest()) is not None:
            found = self._waiting[need].pop()
            if found.name not in self.reached:
                self.reached[found.name] = found
                self._module(found, need)

    def follow_hidden(self) -> None:
        """Of distributions that import by computed names, see to the library that any of their modules needs."""
        for distribution in self.distributions.values():
            if distribution.name not in self._computing:
                continue
            packed = set(distribution.packed())
            hidden = [
                name for name, path in distribution.modules.items() if path in packed and name not in self.reached
            ]
            for name in hidden:
                self._hidden(name, distribution)

    def _strongest(self) -> Need | None:
        return next((need for need in sorted(Need, reverse=True) if self._waiting[need]), None)

    def _module(self, found: Found, need: Need) -> None:
        if found.distribution is not None:
            self.distributions[found.distribution.name] = found.distribution
            if found.name in found.distribution.extensions and found.path:
                self.rules.twin(found)
        if "." in found.name:
            self._reach(found.name.rpartition(".")[0], need)
        if not found.path:
            return
        reading = _read(found)
        self._remarks(found, reading)
        for each in reading.imports:
            self._import(Case(found, each, min(need, each.need)))
        self.standard.update(module for codec in reading.codecs if (module := codec_module(codec)) is not None)

    def _remarks(self, found: Found, reading: Reading) -> None:
        if found.origin == Origin.OWN:
            for function, line in reading.processes:
                self.rules.process(function, found, line)
        if reading.computed:
            if found.origin == Origin.OWN:
                self.rules.computed(found, reading.computed[0])
            elif found.distribution is not None:
                self._computing.add(found.distribution.name)

    def _import(self, case: Case) -> None:
        for name in _prefixes(case.each.module):
            if not self._one(name, case, certain=True):
                return
        for name in case.each.names:
            self._one(f"{case.each.module}.{name}", case, certain=False)

    def _one(self, name: str, case: Case, *, certain: bool) -> bool:
        """Judge and reach one module; say whether it is there. `certain`: the import names a module for sure."""
        found = self._find(name, case)
        if found is None:
            if certain and self.library.owns(name):
                self.rules.standard(name, case)
            elif certain:
                self.rules.absent(name, case)
            return False
        if found.origin == Origin.STANDARD:
            self.rules.standard(name, case)
            self.standard.add(name)
        elif found.compiled:
            self.rules.extension(found, case)
        else:
            if found.distribution is not None and case.importer.distribution is None:
                self.direct.add(found.distribution.name)
            self._waiting[case.need].append(found)
        return True

    def _find(self, name: str, case: Case) -> Found | None:
        try:
            return self.places.find(name)
        except ConfigError as error:
            raise case.where.error(f"{case.importer.name} imports {name!r}: {error}", error.remedy) from None

    def _reach(self, name: str, need: Need) -> None:
        found = self.places.find(name)
        if found is not None and found.origin != Origin.STANDARD and not found.compiled:
            self._waiting[need].append(found)

    def _hidden(self, name: str, distribution: Distribution) -> None:
        found = self.places.find(name)
        if found is None or not found.path:
            return
        try:
            reading = _read(found)
        except ConfigError:
            return  # for another Python; nobody asked for it
        for each in reading.imports:
            if self.library.owns(each.module):
                self.standard.update([each.module, *(f"{each.module}.{name}" for name in each.names)])


def _read(found: Found) -> Reading:
    source = found.source()
    return read(found.name, package=found.package, source=source, tree=parse(source, found.shown, found.name))


def _prefixes(name: str) -> Iterator[str]:
    """Yield a, a.b, a.b.c for "a.b.c": importing a module imports its packages."""
    parts = name.split(".")
    yield from (".".join(parts[:cut]) for cut in range(1, len(parts) + 1))
