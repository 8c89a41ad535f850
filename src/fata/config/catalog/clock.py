"""clock: the machine's monotonic and wall clock."""

from __future__ import annotations

from fata.config.impl import Entry, Impl, device
from fata.config.offer import Offer
from fata.device.clock import Clock

ENTRY = Entry(
    "clock",
    Clock,
    {"unix": "fata.driver.clock.real:RealClock", "virtio": "fata.runtime.machine_clock:open_machine_clock"},
    "Monotonic time, and the date where the machine knows it.",
)


def clock() -> Impl[Clock]:
    """Return the machine's clocks."""
    made: Impl[Clock] = device(ENTRY)
    return made


OFFER = Offer(clock, ENTRY, default=clock)
