"""How long a person waits for `fata configure`, `fata --help` and `import fata`: whole processes, one after another.

"From nothing" is an application's folder without build/ and lock; "again" has both. Python's bytecode is there, as
pip leaves it for whatever it installs: where Python may not keep it (PYTHONDONTWRITEBYTECODE in a source tree), each
command compiles fata anew and takes half as long again. What Python and click cost without fata is measured beside
it, in turns, so that a slow moment of the machine is everybody's. MirageOS 4.4 takes 0.61 s to configure its hello,
and 0.08 s from its cache.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.table import Table

EXAMPLES = Path(__file__).parents[1] / "examples"
FATA = (sys.executable, "-m", "fata.tool.main")


class Case(NamedTuple):
    """A row: a command, its goal in milliseconds, and the folder that it is to find as if it had never run."""

    name: str
    words: Sequence[str]
    goal: float | str = "-"
    fresh: Path | None = None


class Time(NamedTuple):
    """Of one run, in milliseconds: until it had ended, and on a processor."""

    wall: float
    processor: float


def run(case: Case, environment: Mapping[str, str]) -> Time:
    """Run a command once."""
    if case.fresh is not None:
        shutil.rmtree(case.fresh / "build", ignore_errors=True)
        (case.fresh / "fata.lock").unlink(missing_ok=True)
    start = time.perf_counter()
    process = subprocess.Popen(case.words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, case.words)
    return Time(wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000)


def cases(scratch: Path) -> list[Case]:
    """Return the rows, about copies of examples."""
    found = []
    for name in ("hello", "www"):
        ignored = shutil.ignore_patterns("build", "__pycache__", "fata.lock")
        folder = Path(shutil.copytree(EXAMPLES / name, scratch / name, ignore=ignored))
        configure = (*FATA, "configure", str(folder))
        found.append(Case(f"configure {name}, from nothing", configure, 300, folder))
        found.append(Case(f"configure {name}, again", configure, 80))
    return [
        *found,
        Case("fata --help", (*FATA, "--help"), 200),
        Case("python -c 'import fata'", (sys.executable, "-c", "import fata"), 100),
        Case("python -c 'import click'", (sys.executable, "-c", "import click")),
        Case("python -c pass", (sys.executable, "-c", "pass")),
    ]


def environment(scratch: Path) -> dict[str, str]:
    """Return this process's variables without fata's own, and with a place for bytecode."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FATA_")}
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**inherited, "PYTHONPYCACHEPREFIX": str(scratch / "bytecode")}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 rounds instead of 15")
    rounds = 3 if parser.parse_args().quick else 15
    headings = ("command", "wall ms", "processor ms", "goal wall ms")
    with Table("configure: a whole process, medians", *headings) as table, tempfile.TemporaryDirectory() as folder:
        rows, variables = cases(Path(folder)), environment(Path(folder))
        for case in rows:
            run(case, variables)  # leaves the bytecode
        times = [[run(case, variables) for case in rows] for _ in range(rounds)]
        for case, measured in zip(rows, zip(*times, strict=True), strict=True):
            wall, processor = (statistics.median(values) for values in zip(*measured, strict=True))
            table.row(case.name, wall, processor, case.goal)


if __name__ == "__main__":
    main()
