"""The matrix: buffers, losses, round trips and troubles; all arrives, and no slower than docs/spec/goodput.md says."""

from __future__ import annotations

import os

import pytest

from tests.sim.goodput import Case, cases, published, typical

FLOORS = published()
SEEDS = range(1, 1 + int(os.environ.get("FATA_MATRIX_SEEDS", "5")))
SAMPLE = [
    Case("none", 4, 1, 0.0),
    Case("none", 1024, 300, 0.01),
    Case("reorder", 64, 30, 0.05),
    Case("duplicate", 1024, 30, 0.15),
    Case("corrupt", 64, 1, 0.3),
]


def test_every_case_has_a_floor() -> None:
    assert list(FLOORS) == list(cases())
    assert min(FLOORS.values()) > 0


@pytest.mark.parametrize("case", SAMPLE, ids=str)
def test_a_part_of_the_matrix(case: Case) -> None:
    assert typical(case, SEEDS[:3]) >= FLOORS[case]


@pytest.mark.slow
@pytest.mark.parametrize("case", list(cases()), ids=str)
def test_the_matrix(case: Case) -> None:
    assert typical(case, SEEDS) >= FLOORS[case]
