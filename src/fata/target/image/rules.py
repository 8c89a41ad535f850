"""Judges one import: may it stand in an image, is it worth a remark, or is it refused?

An application's own modules are held to what works in the guest, at any depth of their code: they can be changed. A
distribution is refused only when importing it would fail: it may bring more than anybody calls.
"""

from __future__ import annotations

from typing import NamedTuple

from fata.config.where import Where
from fata.target.image.imports import Import, Need
from fata.target.image.notes import Notes
from fata.target.image.places import Found, Origin
from fata.target.image.standard import LIMITED, Standard

DEFERRED = "Import it inside `try` … `except ImportError`, or do without."


class Case(NamedTuple):
    """An import to be judged. `need` is at most that of the importer itself."""

    importer: Found
    each: Import
    need: Need

    @property
    def where(self) -> Where:
        """Its place."""
        return Where(self.importer.shown, self.each.line)

    @property
    def own(self) -> bool:
        """Whether the application itself does it."""
        return self.importer.origin == Origin.OWN

    @property
    def asker(self) -> str:
        """Whom remarks are about: one for a whole distribution."""
        distribution = self.importer.distribution
        return self.importer.name if distribution is None else distribution.name


class Rules:
    """The verdicts for one guest. Refusals are ConfigErrors; remarks go to `notes`."""

    def __init__(self, library: Standard, notes: Notes) -> None:
        self.library = library
        self.notes = notes

    def standard(self, name: str, case: Case) -> None:
        """Judge the import of a module of the library."""
        reason = self.library.why_not(name)
        pointless = None if reason is not None else self.library.pointless(name)
        refused = case.need == Need.ALWAYS if not case.own else not case.each.need.forgiving
        if reason is not None and refused:
            raise case.where.error(f"{case.importer.name} imports {name!r}, which the guest lacks: {reason}", DEFERRED)
        if pointless is not None and refused and case.own:
            raise case.where.error(
                f"{case.importer.name} imports {name!r}, which cannot work in the guest: {pointless}", "Do without."
            )
        if (reason or pointless) and not case.each.need.forgiving and case.importer.origin != Origin.FATA:
            self._note(case, name, f"imports {name!r}, which does not work in the guest: {reason or pointless}")
        elif case.own and name in LIMITED:
            self._note(case, name, f"imports {name!r}: {LIMITED[name]}")

    def extension(self, found: Found, case: Case) -> None:
        """Judge the import of a compiled module."""
        if case.need == Need.ALWAYS:
            raise case.where.error(
                f"{case.importer.name} imports {found.name!r}, which is compiled ({found.shown}), and the guest loads "
                "no compiled modules",
                "Take a version or another package that is pure Python, or guard the import by `except ImportError`.",
            )
        self._note(case, found.name, f"{found.name!r} is compiled and left out; the import is guarded")

    def twin(self, found: Found) -> None:
        """Remark that of a compiled module the pure twin is packed."""
        about = (found.name, "twin")
        self.notes.add(
            about, Where(found.shown, 1), f"{found.name!r} is packed as Python; its compiled twin is left out"
        )

    def absent(self, name: str, case: Case) -> None:
        """Judge the import of a module that is nowhere."""
        if case.need == Need.ALWAYS:
            top = name.partition(".")[0]
            raise case.where.error(
                f"{case.importer.name} imports {name!r}, which is not there",
                f"Install it beside fata (pip install {top}) and write package({top!r}) in config.py; "
                "with a lock, run `fata lock` again.",
            )
        if case.own:
            self._note(case, name, f"imports {name!r}, which is not there")

    def process(self, function: str, importer: Found, line: int) -> None:
        """Refuse a second process of the application's."""
        raise Where(importer.shown, line).error(
            f"{importer.name} uses {function}, and the guest has one process", "Use a thread, or a task."
        )

    def computed(self, importer: Found, line: int) -> None:
        """Remark that an import cannot be foreseen."""
        text = "imports what only running can tell; what it names is packed if something else imports it"
        self.notes.add((importer.name, "computed"), Where(importer.shown, line), f"{importer.name} {text}")

    def _note(self, case: Case, name: str, text: str) -> None:
        subject = "" if text.startswith("'") else f"{case.importer.name} "
        self.notes.add((case.asker, name), case.where, subject + text)
