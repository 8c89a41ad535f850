"""The examples that need no network and no disk say the same as a process and as a unikernel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import needs, needs_runtime

EXAMPLES = Path(__file__).parents[3] / "examples"

pytestmark = [pytest.mark.qemu, needs("qemu-system-x86_64"), needs_runtime()]


def run(example: str, *words: str) -> tuple[int, str]:
    """Return the status of `fata run` and what the program wrote."""
    command = [sys.executable, "-m", "fata.tool.main", "run", str(EXAMPLES / example), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("example", "words"),
    [
        ("hello", ["--name", 'ça va "x"  y', "--count", "3"]),
        ("kv", []),
        ("block", ["--sectors", "8"]),
        ("fat", []),
        ("two-jobs", ["--east-notes", "3"]),
    ],
)
@pytest.mark.parametrize("machine", ["microvm", "q35"])
def test_an_example_says_the_same_on_metal(example: str, words: list[str], machine: str) -> None:
    here = run(example, *words)
    assert here[0] == 0
    assert run(example, "-t", "virtio", "--machine", machine, *words) == here
