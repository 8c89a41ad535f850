"""Compare what tests did with what was expected of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tests.cpython.listing import Expected
from tests.cpython.records import Module, Outcome


class Verdict(NamedTuple):
    """`unexpected` failed and is not listed; `stale` is listed, its module ran, and it did not fail."""

    unexpected: list[Outcome]
    stale: list[str]

    @property
    def good(self) -> bool:
        """Whether all is as expected."""
        return not self.unexpected and not self.stale

    def __str__(self) -> str:
        told = [f"{each.test} failed and is not in expected.txt:\n{each.text}" for each in self.unexpected]
        told += [f"{test} is in expected.txt and did not fail: remove it there" for test in self.stale]
        return "\n".join(told)


def judge(modules: Iterable[Module], expected: Mapping[str, Expected]) -> Verdict:
    """Judge the modules that were run: every one, even those that died in the middle."""
    unexpected: list[Outcome] = []
    stale: list[str] = []
    for module in modules:
        failed = [each for each in module.outcomes if each.outcome == "failed"]
        unexpected += [each for each in failed if each.test not in expected]
        ours = [test for test in expected if belongs(test, module.name)]
        stale += sorted(set(ours) - {each.test for each in failed})
        if not module.outcomes:
            unexpected.append(Outcome(f"test.{module.name}", "failed", "no test of it ran, and none was skipped"))
    return Verdict(unexpected, stale)


def belongs(test: str, module: str) -> bool:
    """Whether a name is of a module's test: `test.test_x`, `test.test_x.C.t`, `setUpClass (test.test_x.C)`."""
    name = test.rpartition("(")[2].rstrip(")")
    return name == f"test.{module}" or name.startswith(f"test.{module}.")
