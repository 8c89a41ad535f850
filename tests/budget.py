"""A pytest plugin: with `--budgets`, each kind of test has so many seconds, and says at the end how many it took.

A test that would run past its kind's budget is failed there and then, so one hung virtual machine cannot hold
up the run. Seconds are counted in each process by itself (under xdist, in each worker). The fast tests start no
processes, so what counts is the processor's time: beside other work they take longer, and are not to blame.
"""

from __future__ import annotations

import signal
import time
from collections import defaultdict
from collections.abc import Callable, Generator
from types import FrameType
from typing import NamedTuple

import pytest

# Seconds for all tests of a kind. A test with several markers counts as the first that stands here.
BUDGETS = {"qemu": 900.0, "browser": 120.0, "root": 360.0, "peer": 240.0, "slow": 480.0, "fast": 60.0}
HUNG = 60.0  # seconds that one fast test may take by the clock


class Measure(NamedTuple):
    """How time is told, and the timer that goes by it."""

    now: Callable[[], float]
    timer: int
    signal: signal.Signals


CLOCK = Measure(time.monotonic, signal.ITIMER_REAL, signal.SIGALRM)
PROCESSOR = Measure(time.process_time, signal.ITIMER_PROF, signal.SIGPROF)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer `--budgets`."""
    parser.addoption("--budgets", action="store_true", help="fail tests beyond the seconds that their kind has")


def pytest_configure(config: pytest.Config) -> None:
    """Keep budgets if asked to."""
    if config.getoption("budgets"):
        config.pluginmanager.register(Budgets(), "budget-keeper")


def kind_of(item: pytest.Item) -> str:
    """Name the budget that pays for a test."""
    return next((kind for kind in BUDGETS if item.get_closest_marker(kind)), "fast")


class Budgets:
    """Counts the seconds of each kind while the tests run."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)  # seconds in this process, by kind
        self.reported: defaultdict[str, float] = defaultdict(float)  # seconds in all processes, by kind

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        """Set up within the budget."""
        yield from self.within_budget(item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Run within the budget. Tearing down is not cut short: it gives back what the test holds."""
        yield from self.within_budget(item)

    def within_budget(self, item: pytest.Item) -> Generator[None, None, None]:
        """Let the wrapped hook run for what is left of the budget, then fail it."""
        kind = kind_of(item)
        measure = PROCESSOR if kind == "fast" else CLOCK
        start = measure.now()
        # A timer of 0 would mean "never": a spent budget leaves every further test a moment to fail in.
        left = max(BUDGETS[kind] - self.spent[kind], 0.001)
        guards = [_failing(measure, left, f"the {kind} tests have used up their {BUDGETS[kind]:.0f} s")]
        if measure is PROCESSOR:
            guards.append(_failing(CLOCK, HUNG, f"it hangs: {HUNG:.0f} s have gone by"))
        try:
            return (yield)
        finally:
            for end in guards:
                end()
            seconds = measure.now() - start
            self.spent[kind] += seconds
            item.user_properties.append((kind, seconds))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up what all processes report."""
        if report.when == "teardown":  # its properties are those of the whole test
            for name, value in report.user_properties:
                if name in BUDGETS and isinstance(value, float):
                    self.reported[name] += value

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        """Say where the time went."""
        processes = getattr(config.option, "numprocesses", None) or 1
        told = (
            f"{kind} {self.reported[kind]:.1f} s of {processes} × {most:.0f} s"
            for kind, most in BUDGETS.items()
            if self.reported[kind]
        )
        terminalreporter.write_line(f"budgets: {', '.join(told) or 'nothing ran'}")


def _failing(measure: Measure, seconds: float, reason: str) -> Callable[[], None]:
    """Fail the running test when the time has gone by; return what ends that."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        pytest.fail(reason)

    previous = signal.signal(measure.signal, stop)
    signal.setitimer(measure.timer, seconds)

    def end() -> None:
        signal.setitimer(measure.timer, 0)
        signal.signal(measure.signal, previous)

    return end
