"""Many random workloads, until enough states have been seen."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from fata.blocking import drive
from fata.errors import StateError
from fata.sim.powercut.checker import Report, check
from fata.sim.powercut.record import Record
from fata.sim.powercut.recovery import Judge, Recover, Run, Seen

BARREN = 50  # workloads in a row without a new state, after which there will be none


def campaign(
    workload: Callable[[Random], Record],
    recover: Recover[Seen],
    judge: Judge[Seen],
    *,
    states: int,
    seed: int | str = 0,
    limit: int = 256,
    recoveries: int = 8,
    depth: int = 1,
    run: Run[Seen] = drive,
) -> Report:
    """Record workloads, each from a chance of its own, and `check` them until there are `states` distinct states.

    A violation says in which round it was: `workload(Random(f"{seed}/{round}"))` records that round again.
    """
    report = Report(seed)
    round_, barren = 0, 0
    while report.states < states:
        name, before = f"{seed}/{round_}", report.states
        record = workload(Random(name))
        try:
            check(
                record, recover, judge, seed=name, limit=limit, recoveries=recoveries, depth=depth,
                report=report, run=run,
            )  # fmt: skip
        except AssertionError as violation:
            violation.add_note(f"in the workload of Random({name!r}), after {report.states:,} states")
            raise
        round_ += 1
        barren = barren + 1 if report.states == before else 0
        if barren == BARREN:
            raise StateError(f"no new states after {report.states:,}: make the workloads larger or more various")
    return report
