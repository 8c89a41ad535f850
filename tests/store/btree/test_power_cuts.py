"""Power cuts: whatever the moment and whatever of the unflushed arrives, the store holds what it has promised.

Set FATA_POWER_CUTS to look at more states than the daily hundred thousand.
"""

from __future__ import annotations

import os
from random import Random

import pytest

from fata.sim.powercut import Report, campaign, check
from fata.store.btree import checkpoint
from fata.store.btree.store import Durability
from tests.store.btree.mutants import MUTANTS, Mutant
from tests.store.btree.powercut import Workload, judge, recover

pytestmark = pytest.mark.slow

STATES = int(os.environ.get("FATA_POWER_CUTS", "100000"))  # in all
EACH = 1_000  # states of every class, at least

# What is done to the store, and which classes of states that is for.
CLASSES = {
    "tttT": {"log"},
    "tcTo": {"checkpoint"},
    "c": {"superblock"},
    "xxt": {"extent"},
    "tgx": {"grow"},
    "tsd": {"snapshot drop"},
}
DURABILITIES: list[Durability] = ["sync", "batch", "none"]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the few leaves of such small stores be more than a checkpoint writes at once."""
    monkeypatch.setattr(checkpoint, "PIECE", 2)


@pytest.mark.parametrize("kinds", CLASSES)
def test_every_class_of_states(kinds: str) -> None:
    report = Report()
    number = 0
    depth = int(kinds != "c")  # superblocks are few among the states: no time for cuts in recoveries as well
    wanted = CLASSES[kinds] | ({"recovery"} if depth else set())
    while any(report.classes[name] < EACH for name in wanted):
        durability = DURABILITIES[number % 3]
        record = Workload(Random(f"{kinds}/{number}"), durability, kinds).record()
        check(record, recover, judge, seed=number, limit=32, recoveries=1, depth=depth, report=report)
        number += 1
    print(report)


@pytest.mark.parametrize("durability", DURABILITIES)
def test_everything_at_once(durability: Durability) -> None:
    """Classes as they come, with cuts in recoveries and in recoveries of those."""
    report = campaign(
        lambda rng: Workload(rng, durability, "tttttTTxxsdgcfo").record(),
        recover,
        judge,
        states=max(STATES - 67_000, 3_000) // 3,
        seed=durability,
        limit=96,
        recoveries=4,
        depth=2,
    )
    print(report)
    assert report.classes["recovery 2 deep"] >= EACH


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_every_mistake_is_caught(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds, durability = mutant(monkeypatch)
    with pytest.raises(Exception) as caught:
        campaign(
            lambda rng: Workload(rng, durability, kinds).record(),  # type: ignore[arg-type]
            recover,
            judge,
            states=10_000,
            limit=40,
            recoveries=2,
        )
    assert not str(caught.value).startswith("no new states")
