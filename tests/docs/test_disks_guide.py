"""The guide on disks does what it says."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.docs.guide import Reader

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "disks.md"
CAN_MOUNT = os.access("/dev/fuse", os.W_OK) and shutil.which("fusermount3") is not None


@pytest.mark.slow
@pytest.mark.peer
@pytest.mark.skipif(not CAN_MOUNT, reason="needs /dev/fuse and fusermount3")
def test_the_guide(tmp_path: Path) -> None:
    assert Reader(tmp_path).follow(GUIDE.read_text(encoding="utf-8")) >= 8
