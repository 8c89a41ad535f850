"""Choose the modules of the list, on Linux, before anything is booted; prints what each was found to do.

Every test module of Lib/test runs once under the guest's Python (Debian's python3.11) in a process of its own, with the
switches of a platform that has neither processes nor sockets, and without the modules in C and the packages that the
runtime lacks. The criterion is `chosen` below; the list never depends on what the guest makes of a module.

    python -m tests.cpython.survey >build/survey.json
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
PYTHON = "/usr/bin/python3.11"
LIMIT = 30  # seconds for one module

MOST_SECONDS = 1.5  # of a processor under Linux; emulated, about fifteen times that
MOST_WRITTEN = 4 << 20  # octets through write()
MOST_DATA = 6 << 20  # octets of files that the module needs


class Found(NamedTuple):
    """What a module did."""

    name: str
    passed: int
    failed: int
    skipped: int
    seconds: float  # of a processor
    processes: int  # started
    network: int  # sockets that are not of this machine alone
    written: int  # octets, to files, pipes and the console
    data: int  # octets


def chosen(found: Found) -> bool:
    """The criterion: no failure on Linux, no process, no network socket, few octets in files, short."""
    return (
        found.passed > 0
        and found.failed == 0
        and found.processes == found.network == 0
        and found.seconds <= MOST_SECONDS
        and found.written <= MOST_WRITTEN
        and found.data <= MOST_DATA
    )


def survey(name: str, lib: Path, builtin: frozenset[str], data: int) -> Found:
    """Run one module in a process of its own."""
    work = tempfile.mkdtemp(prefix="survey")
    command = [PYTHON, "-I", "-X", "utf8", str(HERE / "survey_probe.py"), str(lib), ",".join(sorted(builtin)), name]
    try:
        done = subprocess.run(
            command,
            cwd=work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LIMIT,
            env={"PATH": os.environ["PATH"], "TMPDIR": work},
        )
        output = done.stdout
    except subprocess.TimeoutExpired as late:
        output = late.stdout or b""
    finally:
        shutil.rmtree(work, ignore_errors=True)
    records = [json.loads(part.split(b"\n")[0]) for part in output.split(b"\x1e")[1:]]
    outcomes = [record["outcome"] for record in records if "outcome" in record]
    costs = next((record for record in records if "processes" in record), None)
    if costs is None:  # it never came to its end
        costs = {"seconds": float(LIMIT), "processes": 0, "network": 0, "written": 0}
        outcomes.append("failed")
    counts = {kind: outcomes.count(kind) for kind in ("passed", "failed", "skipped")}
    return Found(name=name, data=data, **counts, **costs)


def main() -> None:
    """Survey every module, two at a time."""
    from tests.cpython import tree  # the probe's side of this folder must not need it

    lib = tree.library()
    names = sys.argv[1:] or tree.all_modules(lib / "test")
    builtin = tree.builtin()
    sizes = [sum(path.stat().st_size for path in tree.needed(lib / "test", [name])) for name in names]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        alone = Path(folder) / "Lib"
        alone.symlink_to(lib)  # without the checkout around it, which some tests look for
        found = list(pool.map(lambda name, size: survey(name, alone, builtin, size), names, sizes))
    json.dump([row._asdict() | {"chosen": chosen(row)} for row in found], sys.stdout, indent=1)


if __name__ == "__main__":
    main()
