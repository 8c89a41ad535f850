"""The poller of a simulation."""

from contextlib import AbstractContextManager

import pytest

from fata.device.poller import Interrupt, Poller, Readable, Software
from fata.driver.clock.virtual import VirtualClock
from fata.driver.poller.virtual import VirtualPoller
from fata.errors import DeviceError, StateError
from tests.conformance.poller import Calls, PollerContract

YEAR = 365 * 86400.0


class TestVirtualPoller(PollerContract):
    @staticmethod
    def make() -> Poller:
        return VirtualPoller()

    @staticmethod
    def outside(poller: Poller) -> AbstractContextManager[None]:
        assert isinstance(poller, VirtualPoller)
        return poller.held()


@pytest.fixture
def poller() -> VirtualPoller:
    return VirtualPoller(VirtualClock(100.0))


@pytest.fixture
def calls() -> Calls:
    return Calls()


def test_a_year_passes_at_once(poller: VirtualPoller) -> None:
    assert poller.wait(100 + YEAR) == 0
    assert poller.monotonic() == poller.clock.monotonic() == 100 + YEAR


def test_time_stands_still_while_there_is_something_to_do(poller: VirtualPoller, calls: Calls) -> None:
    source = Software("s")
    poller.register(source, calls.of("s"))
    poller.wake(source)
    assert poller.wait(200) == 1
    assert poller.monotonic() == 100


def test_events_happen_at_their_moment_and_in_order(poller: VirtualPoller) -> None:
    seen: list[tuple[str, float]] = []
    for moment, name in ((130, "c"), (110, "a"), (120, "b"), (110, "a2"), (50, "late")):
        poller.schedule(moment, lambda name=name: seen.append((name, poller.monotonic())))  # type: ignore[misc]
    assert poller.wait(125) == 0
    assert seen == [("late", 100), ("a", 110), ("a2", 110), ("b", 120)]
    assert poller.monotonic() == 125
    assert poller.wait(130) == 0
    assert seen[-1] == ("c", 130)


def test_events_of_one_moment_happen_as_they_were_scheduled(poller: VirtualPoller, calls: Calls) -> None:
    names = [str(number) for number in range(50)]
    for name in names:
        poller.schedule(110, calls.of(name))
    poller.wait(110)
    assert calls == names


def test_an_event_that_raises_a_source_ends_the_wait_at_its_moment(poller: VirtualPoller, calls: Calls) -> None:
    source = Software("s")
    poller.register(source, calls.of("s"))
    poller.schedule(110, lambda: poller.wake(source))
    poller.schedule(120, calls.of("later"))
    assert poller.wait(200) == 1
    assert poller.monotonic() == 110
    assert calls == ["s"]


def test_an_event_may_schedule_another_for_the_same_moment(poller: VirtualPoller, calls: Calls) -> None:
    poller.schedule(110, lambda: poller.schedule(110, calls.of("second")))
    poller.wait(110)
    assert calls == ["second"]


def test_a_cancelled_event_does_not_happen_and_takes_no_time(poller: VirtualPoller, calls: Calls) -> None:
    source = Software("s")
    poller.register(source, calls.of("s"))
    event = poller.schedule(110, calls.of("never"))
    poller.schedule(120, lambda: poller.wake(source))
    event.cancel()
    assert poller.wait(None) == 1
    assert poller.monotonic() == 120
    assert calls == ["s"]


def test_the_clock_may_be_moved_by_somebody_else(poller: VirtualPoller, calls: Calls) -> None:
    poller.schedule(110, calls.of("due"))
    poller.clock.advance(50)
    assert poller.wait(poller.monotonic()) == 0
    assert calls == ["due"]
    assert poller.monotonic() == 150


def test_a_wait_that_nothing_can_end_is_a_deadlock(poller: VirtualPoller, calls: Calls) -> None:
    poller.register(Software("disk"), calls.of("disk"))
    poller.schedule(110, calls.of("event"))
    with pytest.raises(StateError, match=r"deadlock at 110 s of virtual time: .* disk waits for ever"):
        poller.wait(None)
    assert calls == ["event"]


def test_time_is_released_as_often_as_held(poller: VirtualPoller) -> None:
    with poller.held(), poller.held():
        pass
    with pytest.raises(StateError, match="more often"):
        poller.release()


@pytest.mark.parametrize("source", [Readable(0), Interrupt(3)])
def test_other_sources_do_not_live_in_virtual_time(
    poller: VirtualPoller, calls: Calls, source: Readable | Interrupt
) -> None:
    with pytest.raises(DeviceError, match="virtual time"):
        poller.register(source, calls.of("never"))
    with pytest.raises(StateError):
        poller.unregister(source)


def test_a_closed_poller_is_of_no_use(poller: VirtualPoller) -> None:
    poller.close()
    with pytest.raises(StateError, match="closed"):
        poller.wait(None)
