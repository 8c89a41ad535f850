"""fata check."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from fata.config.graph import Graph
from fata.target.image.notes import Note
from fata.target.output import write_main
from fata.target.program import write_program
from fata.tool.keyed import keyed, show_help
from fata.tool.machine import VIRTIO
from fata.tool.screen import progress, say, show_json
from fata.tool.session import application_version, open_session


@keyed(as_json=True)
def command(ctx: click.Context, target: str | None, as_json: bool) -> None:
    """Look for mistakes without running anything: config.py, wiring, imports, and types by mypy.

    For virtio, every module that the program reaches is judged as `fata build` would, and remarks are listed.

    mypy reads config.py, the application, and the main.py that would run, strictly. Without mypy installed
    that part is left out, and said so.
    """
    if show_help(ctx, target):
        return
    with progress(quiet=as_json) as report:
        graph = open_session(ctx.args, target).graph(booting=True)
        version = application_version(graph.project.directory)
        notes = _judge(graph, version) if graph.target == VIRTIO else ()
        main = write_main(graph, version)
        report("checking types")
        findings = None if find_spec("mypy") is None else _type_errors(graph, main)
    if as_json:
        show_json(
            {"name": graph.project.name, "target": graph.target, "types": findings, "notes": list(map(str, notes))}
        )
    else:
        for remark in [*notes, *(findings or [])]:
            say(str(remark))
        missing = "; types were not checked: pip install mypy" if findings is None else ""
        errors = [finding for finding in findings or [] if ": error: " in finding]  # the others are mypy's notes
        count = len(errors or findings or [])
        mistakes = "1 mistake" if count == 1 else f"{count or 'no'} mistakes"
        say(f"{graph.project.name} for {graph.target}: {mistakes}{missing}")
    sys.exit(2 if findings else 0)


def _judge(graph: Graph, version: str) -> tuple[Note, ...]:
    from fata.target.image.image import judge

    return judge(graph, write_program(graph, version).encode()).findings.notes


def _type_errors(graph: Graph, main: Path) -> list[str]:
    """Return what mypy says of config.py and main.py, a line each."""
    directory = graph.project.directory
    files = [*([graph.project.config] if graph.project.config is not None else []), main]
    places = [str(directory), *([os.environ["MYPYPATH"]] if "MYPYPATH" in os.environ else [])]
    options = ["--strict", "--no-error-summary", "--no-color-output", "--cache-dir", str(main.parent / ".mypy_cache")]
    done = subprocess.run(
        # No configuration file: the verdict must not depend on the folder from which fata was called.
        [sys.executable, "-m", "mypy", "--config-file=", *options, *map(str, files)],
        env={**os.environ, "MYPYPATH": os.pathsep.join(places)},
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout + done.stderr).splitlines()
