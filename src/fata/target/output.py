"""Where a build goes, and how it comes to be there: all of it or nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from fata.config.graph import File, Graph
from fata.config.lock import update
from fata.target.dotted import load
from fata.target.program import write_program

BUILD = "build"
MAIN = "main.py"

Report = Callable[[str], None]
"""Told what is being done, before it is."""


def folder(graph: Graph) -> Path:
    """Return the folder of a target's output, beside the application.

    A run with keys of its own that shape the program has a folder of its own: two of them may start at once.
    """
    output = graph.project.directory / BUILD / graph.target
    shape = sorted(
        f"{name}={setting.value}" for name, setting in graph.settings.items() if name in graph.fixed and setting.typed
    )
    if not graph.booting or not shape:
        return output
    import hashlib  # OpenSSL: not for a mere configure

    return output / f"run-{hashlib.sha256(repr(shape).encode()).hexdigest()[:12]}"


def write_main(graph: Graph, version: str) -> Path:
    """Write main.py into the output folder and return it."""
    file = folder(graph) / MAIN
    update(file, write_program(graph, version).encode())
    return file


def make_files(graph: Graph, report: Report) -> list[Path]:
    """Make the image's files with the steps that the catalog names, and return them. Raises ConfigError."""
    return [_make_file(folder(graph), file, report) for file in graph.files]


def _make_file(output: Path, file: File, report: Report) -> Path:
    report(f"packing {file.source.name}")
    output.mkdir(parents=True, exist_ok=True)
    made = output / file.name
    temporary = output / f".{file.name}.{os.getpid()}"
    try:
        load(file.prepare)(str(file.source), str(temporary))
        temporary.replace(made)
    finally:
        temporary.unlink(missing_ok=True)
    return made
