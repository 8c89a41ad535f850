"""Starting main.py as a process: in this one's place, or again at every change."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from fata.config.graph import Graph
from fata.errors import ConfigError

INTERRUPTED = 130  # status, as a shell reports Ctrl-C


def command(main: Path, words: Sequence[str], *, debug: bool) -> list[str]:
    """Return the command line that runs main.py; `debug` stops in pdb where an exception was raised."""
    # -P: the folder of main.py is no place for modules; "main" could be the application's own.
    runner = ["-m", "fata.target.unix.postmortem"] if debug else []
    return [sys.executable, "-P", *runner, str(main), *words]


def environment(graph: Graph) -> dict[str, str]:
    """Return this process's environment, with the application's folder among the places for modules."""
    path = os.environ.get("PYTHONPATH")
    places = [str(graph.project.directory), *([path] if path else [])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(places)}


def become(words: Sequence[str], variables: dict[str, str]) -> None:
    """Replace this process. Does not return."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(words[0], list(words), variables)


def reload(make: Callable[[], tuple[list[str], dict[str, str]]], folder: Path, report: Callable[[str], None]) -> int:
    """Run what `make` returns, again after every change below `folder`; return the status after Ctrl-C."""
    from watchfiles import PythonFilter, watch

    process: subprocess.Popen[bytes] | None = None

    def restart(reason: str) -> None:
        nonlocal process
        _stop(process)
        process = None
        report(reason)
        try:
            words, variables = make()
        except ConfigError as error:
            report(f"{error}\nwaiting for a change …")
            return
        process = subprocess.Popen(words, env=variables)

    # Ctrl-C only leaves word: an exception could be swallowed by whatever callback it comes in.
    stopped = threading.Event()
    previous = signal.signal(signal.SIGINT, lambda *_: stopped.set())
    try:
        restart("started")
        relevant = PythonFilter(ignore_paths=[folder / "build"], extra_extensions=(".html", ".css", ".js", ".toml"))
        for changes in watch(folder, watch_filter=relevant, stop_event=stopped):
            names = sorted({Path(name).name for _, name in changes})
            restart(f"changed: {', '.join(names)}; started again")
    finally:
        _stop(process)
        signal.signal(signal.SIGINT, previous)
    return INTERRUPTED


def _stop(process: subprocess.Popen[bytes] | None) -> None:
    if process is None:
        return
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
