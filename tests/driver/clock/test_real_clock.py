"""The machine's clocks."""

import time

import pytest

from fata.device.clock import Clock
from fata.driver.clock.real import RealClock
from tests.conformance.clock import ClockContract


class TestRealClock(ClockContract):
    @pytest.fixture
    def clock(self) -> Clock:
        return RealClock()

    @staticmethod
    def pass_time(clock: Clock) -> None:
        moments = time.monotonic(), time.time()
        while time.monotonic() == moments[0] or time.time() <= moments[1]:
            pass

    def test_it_is_the_systems_time(self, clock: Clock) -> None:
        wall = clock.wall()
        assert wall is not None
        assert abs(wall - time.time()) < 60
        assert abs(clock.monotonic() - time.monotonic()) < 60
