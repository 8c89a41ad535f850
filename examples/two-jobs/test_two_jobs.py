"""`fata run examples/two-jobs`: two jobs side by side, each with a device of its own, one shared."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def fata(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the `fata` command."""
    return subprocess.run(
        [sys.executable, "-m", "fata.tool.main", *words], capture_output=True, text=True, timeout=30, check=False
    )


def test_both_clerks_work_in_turn_each_in_a_ledger_of_its_own() -> None:
    done = fata("run", str(Path(__file__).parent), "--east-notes", "3", "--west-notes", "1")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:3] == ["east: filed note 0", "west: filed note 0", "east: filed note 1"]
    assert "east: 3 notes in the ledger" in lines
    assert "west: 1 notes in the ledger" in lines


def test_there_are_two_ledgers_and_one_console() -> None:
    graph = json.loads(fata("describe", str(Path(__file__).parent), "--json").stdout)
    devices = [node["id"] for node in graph["nodes"] if node["kind"] == "device"]
    assert sorted(devices) == ["console", "east_ledger", "west_ledger"]
    assert sorted(key["name"] for key in graph["keys"]) == ["east-notes", "west-notes"]
