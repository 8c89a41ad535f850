"""The C is laid out as kernel/.clang-format says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.programs import needs

KERNEL = Path(__file__).parents[2] / "kernel"


@pytest.mark.peer
@needs("clang-format")
def test_clang_format_would_change_nothing() -> None:
    files = sorted(str(path) for path in KERNEL.rglob("*") if path.suffix in (".c", ".h"))
    command = ["clang-format", "--dry-run", "--Werror", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
