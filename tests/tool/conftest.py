"""The `fata` command as a user calls it: a process of its own, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


class Fata:
    """Runs `fata` in `folder` and keeps what it said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, **files: str) -> None:
        """Write files: `app="…"` is app.py."""
        for name, text in files.items():
            (self.folder / f"{name}.py").write_text(text, encoding="utf-8")

    def __call__(self, *words: str, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run and return the finished process with its text."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FATA_")}
        return subprocess.run(
            [sys.executable, "-m", "fata.tool.main", *words],
            cwd=self.folder,
            env={**inherited, **(variables or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def mistake(self, *words: str, variables: Mapping[str, str] | None = None) -> str:
        """Run what must be refused: status 2, nothing on standard output, one message without a traceback."""
        before = self.contents()
        done = self(*words, variables=variables)
        assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        assert done.stderr.startswith("error: ")
        assert self.contents() == before, "something was left half-written"
        return done.stderr

    def contents(self) -> dict[str, bytes]:
        """Return every file below the folder, without what Python caches."""
        files = (file for file in self.folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
        return {str(file): file.read_bytes() for file in files}


@pytest.fixture
def fata(tmp_path: Path) -> Fata:
    return Fata(tmp_path)
