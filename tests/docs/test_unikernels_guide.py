"""The guide to unikernels does what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.guide import Reader
from tests.programs import needs, needs_runtime

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "unikernels.md"


@pytest.mark.qemu
@needs("qemu-system-x86_64")
@needs_runtime()
def test_the_guide(tmp_path: Path) -> None:
    assert Reader(tmp_path).follow(GUIDE.read_text(encoding="utf-8")) == 10
