"""The event loop of a machine without an operating system."""

from __future__ import annotations

from fata.driver.poller.hardware import HardwarePoller
from fata.runtime.hardware import hardware
from fata.runtime.loop import Loop


def hardware_loop() -> Loop:
    """Return fata's loop over the machine's interrupts."""
    return Loop(HardwarePoller(hardware()))
