"""The guide on irmin does what it says, and shows the example as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.guide import Reader, steps

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guides" / "irmin.md").read_text(encoding="utf-8")


@pytest.mark.peer
def test_the_guide(tmp_path: Path) -> None:
    assert Reader(tmp_path).follow(GUIDE) >= 15


def test_the_guide_shows_the_example() -> None:
    shown = next(step.text for step in steps(GUIDE) if step.file == "app.py")
    assert shown == (ROOT / "examples" / "irmin_quickstart" / "app.py").read_text(encoding="utf-8")
