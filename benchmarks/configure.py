"""How long a person waits for `fata configure`, `fata --help` and `import fata`: wall time of whole processes.

"From nothing" is an application's folder without build/, lock or bytecode of its own; "again" has all three.
MirageOS 4.4 takes 0.61 s to configure its hello, and 0.08 s from its cache.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.table import Table

EXAMPLES = Path(__file__).parents[1] / "examples"
FATA = [sys.executable, "-m", "fata.tool.main"]


def wall(words: list[str], prepare: Callable[[], object], runs: int) -> float:
    """Return the median wall time of a command in milliseconds; `prepare` runs before each, unmeasured."""
    times = []
    for _ in range(runs):
        prepare()
        start = time.perf_counter()
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def forget(folder: Path) -> None:
    """Remove everything that an earlier run left in an application's folder."""
    for name in ("build", "__pycache__"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / "fata.lock").unlink(missing_ok=True)


def copied(name: str, scratch: str) -> Path:
    """Copy an example without what was made of it."""
    folder = Path(scratch) / name
    shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("build", "__pycache__", "fata.lock"))
    return folder


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 runs of each instead of 11")
    runs = 3 if parser.parse_args().quick else 11
    with (
        Table("configure: wall time of a whole process", "command", "ms", "goal ms") as table,
        tempfile.TemporaryDirectory() as scratch,
    ):
        for name in ("hello", "www"):
            folder = copied(name, scratch)
            configure = [*FATA, "configure", str(folder)]
            table.row(f"configure {name}, from nothing", wall(configure, lambda: forget(folder), runs), 300)  # noqa: B023
            table.row(f"configure {name}, again", wall(configure, lambda: None, runs), 80)
        table.row("fata --help", wall([*FATA, "--help"], lambda: None, runs), 200)
        python = wall([sys.executable, "-c", "pass"], lambda: None, runs)
        table.row(
            "import fata, beyond python itself",
            max(0.0, wall([sys.executable, "-c", "import fata"], lambda: None, runs) - python),
            100,
        )
        table.row("python -c pass", python, "-")


if __name__ == "__main__":
    main()
