"""The guide to devices of one's own does what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.guide import Reader

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "devices.md"


@pytest.mark.slow
def test_the_guide(tmp_path: Path) -> None:
    assert Reader(tmp_path).follow(GUIDE.read_text(encoding="utf-8")) == 7
