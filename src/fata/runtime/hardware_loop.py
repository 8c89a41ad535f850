"""The event loop of a machine without an operating system."""

from __future__ import annotations

from fata.driver.poller.hardware import HardwarePoller
from fata.errors import Unavailable
from fata.runtime.hardware import hardware
from fata.runtime.loop import Loop


def hardware_loop() -> Loop:
    """Return fata's loop over the machine's interrupts; over epoll where the same image runs as a Linux process."""
    try:
        machine = hardware()
    except Unavailable:
        from fata.driver.poller.epoll import EpollPoller

        return Loop(EpollPoller())
    return Loop(HardwarePoller(machine))
