"""Memory is given back: the kernel's to the page, Python's as a level that no longer falls after the warm-up.

`make nightly` soaks for longer (FATA_SOAK, in seconds).
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.kernel import machine
from tests.kernel.conftest import Make
from tests.programs import not_built

APPS = Path(__file__).parent / "apps"
KERNEL = Path(__file__).parents[2] / "kernel"
SECONDS = int(os.environ.get("FATA_SOAK", "8"))
ROUNDS_A_SECOND = 40  # of the C program, of which one takes about 10 ms
ARENA = 256  # pages: Python's allocator takes and returns memory by the MiB
USES = ("asyncio", "concurrent.futures.thread", "hashlib", "json", "tempfile", "threading")

pytestmark = [pytest.mark.qemu, pytest.mark.slow]


def test_the_kernel_gets_back_every_page(tmp_path: Path) -> None:
    work, path = machine.RUNTIME / "work", tmp_path / "soak"
    if not_built():
        pytest.skip("no kernel object: `make runtime` builds it")
    flags = ["-O1", "-static", "-no-pie", "-fno-pie", "-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments"]
    objects = [APPS / "soak.c", work / "kernel.o", work / "image.o"]
    include = f"-I{KERNEL / 'include'}"
    subprocess.run(["gcc", *flags, include, f"-Wl,-T,{KERNEL / 'image.ld'}", "-o", path, *objects], check=True)
    rounds, limit = str(SECONDS * ROUNDS_A_SECOND), machine.LIMIT + 10 * SECONDS
    assert machine.boot(path, rounds, memory=32, limit=limit).output == "ok\n"


def test_python_keeps_a_level(make: Make) -> None:
    """The least that is free in the last third is no less than in the second, but for one step of the allocator."""
    path = make((APPS / "soak.py").read_text(encoding="utf-8"), uses=USES)
    result = machine.boot(path, str(SECONDS), limit=machine.LIMIT + 2 * SECONDS)
    assert result.status == 0, result.output
    free = [int(number) for number in re.findall(r"^free (\d+)$", result.output, re.MULTILINE)]
    third = len(free) // 3
    assert third > 0, result.output
    assert min(free[-third:]) >= min(free[third:-third]) - ARENA, free
