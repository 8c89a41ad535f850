"""Programs from outside that some tests need: on a person's machine such a test is skipped, in CI it has to run."""

from __future__ import annotations

import os
import shutil

import pytest


def needs(program: str) -> pytest.MarkDecorator:
    """Mark a test that runs `program`; `make test` as root installs all of them (scripts/packages.txt)."""
    absent = shutil.which(program) is None and not os.environ.get("CI")
    return pytest.mark.skipif(absent, reason=f"{program} is not installed")
