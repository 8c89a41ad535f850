"""Fixtures of the kernel's tests: images made once, and where they run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kernel import machine

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write an image of a program to a file that can be run; arguments as `machine.image`."""

    def write(program: str, **options: object) -> Path:
        path = tmp_path / "image"
        path.write_bytes(machine.image(program, **options))  # type: ignore[arg-type]
        path.chmod(0o755)
        return path

    return write
