"""CPython's own tests in the guest: what modules.txt tags `ci`, a few modules in each machine. All run nightly."""

from __future__ import annotations

import pytest

from tests.cpython import boot, listing
from tests.cpython.verdict import judge
from tests.programs import needs_runtime

NAMES = [row.name for row in listing.the_modules() if row.tag == "ci"]
BATCHES = [NAMES[start : start + boot.AT_ONCE] for start in range(0, len(NAMES), boot.AT_ONCE)]
LIMIT = 60.0  # seconds for one module; none takes three


@pytest.mark.qemu
@needs_runtime()
@pytest.mark.parametrize("batch", BATCHES, ids=[batch[0] for batch in BATCHES])
def test_cpythons_own_tests(batch: list[str]) -> None:
    """Every failure has a line in expected.txt with one of the allowed reasons, and every line is true."""
    modules = list(boot.run(batch, LIMIT))
    assert [module.name for module in modules] == batch
    verdict = judge(modules, listing.the_expectations())
    assert verdict.good, str(verdict)
