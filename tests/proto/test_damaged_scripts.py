"""Every machine survives scripts that are damaged; the nightly fuzzer goes on from here."""

from __future__ import annotations

import pytest

from tests.fuzz.machine_targets import TARGETS
from tests.fuzz.target import assert_survives_damage


@pytest.mark.parametrize("name", TARGETS)
def test_golden_scripts_run(name: str) -> None:
    for octets in TARGETS[name].corpus:
        TARGETS[name].attempt(octets)


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_scripts(name: str) -> None:
    assert_survives_damage(TARGETS[name], rounds=1500)
