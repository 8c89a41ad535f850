"""The golden scripts of machines do what they are written for: damaged ones start from there."""

from __future__ import annotations

import pytest

from tests.fuzz.machine_targets import TARGETS
from tests.fuzz.script import Record, read, written


@pytest.mark.parametrize("name", TARGETS)
def test_golden_scripts_run(name: str) -> None:
    for octets in TARGETS[name].corpus:
        TARGETS[name].attempt(octets)


def test_scripts_are_read_as_written() -> None:
    octets = written((4, 1, b"abc"), (5, 2, b""))
    assert list(read(octets)) == [Record(0.5, 1, b"abc"), Record(1.0, 2, b"")]
    assert list(read(octets[:6])) == [Record(0.5, 1, b"ab")]
