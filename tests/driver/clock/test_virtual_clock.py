"""Time that passes when it is told to."""

import math

import pytest

from fata.device.clock import Clock
from fata.driver.clock.virtual import VirtualClock
from fata.errors import StateError
from tests.conformance.clock import ClockContract


class TestVirtualClock(ClockContract):
    @pytest.fixture(params=[None, 1_700_000_000.0], ids=["unset", "set"])
    def clock(self, request: pytest.FixtureRequest) -> Clock:
        return VirtualClock(5.0, wall=request.param)

    @staticmethod
    def pass_time(clock: Clock) -> None:
        assert isinstance(clock, VirtualClock)
        clock.advance(0.25)


def test_it_stands_still_until_it_is_told_otherwise() -> None:
    clock = VirtualClock(5.0)
    assert clock.monotonic() == clock.monotonic() == 5.0
    clock.advance(10)
    assert clock.monotonic() == 15.0
    clock.advance_to(15.0)
    clock.advance_to(20.0)
    assert clock.monotonic() == 20.0


@pytest.mark.parametrize("seconds", [-0.001, math.nan])
def test_it_does_not_go_back(seconds: float) -> None:
    clock = VirtualClock(5.0)
    with pytest.raises(StateError, match="cannot go back"):
        clock.advance(seconds)
    assert clock.monotonic() == 5.0


def test_the_date_is_unset_until_it_is_set_and_then_passes() -> None:
    clock = VirtualClock()
    assert clock.wall() is None
    clock.set_wall(1000.0)
    clock.advance(5)
    assert clock.wall() == 1005.0
    clock.set_wall(10.0)
    assert (clock.wall(), clock.monotonic()) == (10.0, 5.0)
    clock.set_wall(None)
    assert clock.wall() is None
