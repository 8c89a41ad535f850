"""Same seed, same packets: two processes, another PYTHONHASHSEED."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # in all, some seconds

ROOT = Path(__file__).parents[2]


def play(seed: int, hash_seed: str, path: Path) -> tuple[str, bytes]:
    """Run the play in a process of its own; return what it says and its capture."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.sim.deterministic_play", str(seed), str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not done.returncode, done.stderr
    return done.stdout, path.read_bytes()


def test_equal_seeds_make_equal_captures_in_any_process(tmp_path: Path) -> None:
    first = play(7, "1", tmp_path / "first.pcap")
    assert len(first[1]) > 300_000
    assert play(7, "2", tmp_path / "second.pcap") == first
    assert play(8, "1", tmp_path / "third.pcap")[1] != first[1]
