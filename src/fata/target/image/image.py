"""An image: the runtime with the application's archive in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from fata.config.graph import Graph
from fata.target.image.archive import Entry, write_archive
from fata.target.image.distributions import Distribution, Shelf, from_wheel, installed_shelf, shelf_of
from fata.target.image.elf import KIB_PER_MIB, embed
from fata.target.image.finder import Findings, find
from fata.target.image.pack import FATA, LIBRARY, pack
from fata.target.image.places import Origin
from fata.target.image.runtime import FULL, LEAN, OPENSSL, Runtime, find_runtime, has_runtime
from fata.target.image.standard import standard
from fata.target.image.wheels import Wheel, cached, locked_wheels

LOADED = 10  # octets of memory that importing an octet of byte code is given; 8 measured: docs/design/image.md


@dataclass(frozen=True, slots=True)
class Image:
    """A program for a machine, in its parts."""

    runtime: Runtime
    findings: Findings
    entries: tuple[Entry, ...]
    floor: int  # MiB of RAM; 0 when nobody has measured

    def octets(self) -> bytes:
        """Return the file."""
        return embed(self.runtime.elf.read_bytes(), write_archive(self.entries), floor=self.floor * KIB_PER_MIB)


class Verdict(NamedTuple):
    """What an image of a program needs, and the runtime for it."""

    runtime: Runtime
    findings: Findings


def judge(graph: Graph, program: bytes) -> Verdict:
    """Find what an image of a generated program needs; the runtime is the lean one when nothing asks for OpenSSL.

    Raises ConfigError at what cannot be in an image.
    """
    full = find_runtime(FULL)
    findings = find(program, graph.project.directory, standard(full), _shelf(graph))
    lean = None if OPENSSL & findings.asked else has_runtime(LEAN)
    if lean is None:
        return Verdict(full, findings)
    return Verdict(lean, replace(findings, standard=frozenset(standard(lean).closure(findings.asked))))


def make_image(verdict: Verdict, program: bytes, files: Iterable[Path]) -> Image:
    """Make the image of a program that was judged; `files` are its assets. Raises ConfigError."""
    runtime, findings = verdict
    entries = tuple(pack(program, findings, runtime, files))
    return Image(runtime, findings, entries, _floor(runtime, findings, entries))


def unlocked(graph: Graph, program: bytes, wheels: Sequence[Wheel]) -> list[Distribution]:
    """Return the distributions that the application or fata itself imports, as installed here, and no wheel is of.

    Raises ConfigError.
    """
    stock = [from_wheel(cached(wheel)) for wheel in wheels]
    shelf = shelf_of(stock, installed_shelf())
    findings = find(program, graph.project.directory, standard(find_runtime(FULL)), shelf)
    return [each for each in findings.distributions if each.name in findings.direct and each not in stock]


def _shelf(graph: Graph) -> Shelf:
    wheels = locked_wheels(graph.project)
    return installed_shelf() if wheels is None else shelf_of(wheels)


def _floor(runtime: Runtime, findings: Findings, entries: tuple[Entry, ...]) -> int:
    """Return what was measured for a program of the same kind, and room for what this one has beyond that one."""
    measured = runtime.floors.get("asyncio" if "asyncio" in findings.standard else "hello")
    return 0 if measured is None else measured + _room(findings, entries) // (1 << 20)


def _room(findings: Findings, entries: tuple[Entry, ...]) -> int:
    """Return the octets of memory for files, distributions and the application: what is packed lies in memory.

    Of code that the program reaches there will be objects too, made when it is imported.
    """
    brought = [entry for entry in entries if entry.group not in (FATA, LIBRARY)]
    reached = {f"{found.path}c" for found in findings.modules if found.origin in (Origin.OWN, Origin.DISTRIBUTION)}
    loaded = sum(len(entry.data) for entry in brought if entry.path in reached)
    return sum(len(entry.data) for entry in brought) + LOADED * loaded
