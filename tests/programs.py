"""What some tests need from outside: on a person's machine such a test is skipped, in CI it has to run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

RUNTIMES = Path(__file__).parents[1] / "build" / "runtime"


def needs(program: str) -> pytest.MarkDecorator:
    """Mark a test that runs `program`; `make test` as root installs all of them (scripts/packages.txt)."""
    absent = shutil.which(program) is None and not os.environ.get("CI")
    return pytest.mark.skipif(absent, reason=f"{program} is not installed")


def needs_runtime() -> pytest.MarkDecorator:
    """Mark a test that boots or reads the runtime."""
    return pytest.mark.skipif(not_built(), reason="no runtime: `make runtime` builds it")


def not_built() -> bool:
    """Whether the runtime is not there, and that may be."""
    return not (RUNTIMES / "lean" / "fata.elf").is_file() and not os.environ.get("CI")
