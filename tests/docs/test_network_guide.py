"""The guide to our own TCP/IP does what it says, in a network namespace."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.guide import Reader
from tests.network_namespace import namespace
from tests.programs import needs

ROOT = Path(__file__).parents[2]


@pytest.mark.root
@pytest.mark.peer
@needs("curl")
@needs("ping")
def test_the_network_guide() -> None:
    text = (ROOT / "docs" / "guides" / "network.md").read_text(encoding="utf-8")
    with namespace() as space, space.entered():
        assert Reader(ROOT, "10.99.0.2").follow(text) == 12
