"""What every clock promises (`fata.device.clock`). A driver's test subclasses this and brings `clock`."""

from __future__ import annotations

import pytest

from fata.device.clock import Clock


class ClockContract:
    """Both faces of a Clock."""

    @pytest.fixture
    def clock(self) -> Clock:
        raise NotImplementedError

    @staticmethod
    def pass_time(clock: Clock) -> None:
        """Let some time pass on `clock`."""
        raise NotImplementedError

    def test_monotonic_time_never_goes_back(self, clock: Clock) -> None:
        moments = [clock.monotonic() for _ in range(1000)]
        assert moments == sorted(moments)

    def test_time_passes(self, clock: Clock) -> None:
        before = clock.monotonic()
        self.pass_time(clock)
        assert clock.monotonic() > before

    def test_the_date_moves_with_time_or_is_unset(self, clock: Clock) -> None:
        before = clock.wall()
        self.pass_time(clock)
        after = clock.wall()
        if before is None or after is None:
            assert before is after
        else:
            assert after > before

    def test_both_are_seconds_in_floating_point(self, clock: Clock) -> None:
        assert isinstance(clock.monotonic(), float)
        assert isinstance(clock.wall(), float | None)
