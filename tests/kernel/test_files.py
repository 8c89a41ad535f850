"""Files below /tmp, select and the alarm clock: as Linux has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kernel import machine
from tests.kernel.conftest import Make

PROGRAM = (Path(__file__).parent / "apps" / "files.py").read_text()
USES = ("select", "signal", "tempfile")


def test_files_under_linux(make: Make) -> None:
    """Linux agrees with what the program expects."""
    assert machine.as_process(make(PROGRAM, uses=USES)).output == "ok\n"


@pytest.mark.qemu
def test_files_on_the_machine(make: Make) -> None:
    """The kernel does the same, and has no call to complain about."""
    assert machine.boot(make(PROGRAM, uses=USES)).output == "ok\n"
