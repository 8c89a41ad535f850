"""The clock of a machine of our own, which may not know the date."""

from __future__ import annotations

from fata.driver.clock.real import RealClock


class UnsetClock(RealClock):
    """A clock that only goes forward: nobody has told it the date."""

    def wall(self) -> float | None:
        return None


async def open_machine_clock() -> RealClock:
    """Return the machine's clocks. Without a date chip, and without a hypervisor's clock, the date is unset."""
    try:
        import _hw  # not at the top: the tool resolves every name of the catalog on the user's own machine
    except ImportError:
        return RealClock()  # the image runs as a Linux process
    return RealClock() if _hw.machine()["wall_set"] else UnsetClock()
