"""The machine, and the event loop of a machine without an operating system."""

from __future__ import annotations

from typing import Protocol

from fata.driver.poller.hardware import Events, HardwarePoller
from fata.driver.virtio.hardware import Hardware
from fata.errors import Unavailable
from fata.runtime.loop import Loop


class Machine(Hardware, Events, Protocol):
    """All that drivers use of the kernel's `_hw` module."""


def hardware() -> Machine:
    """Return the kernel's `_hw` module. Raises `Unavailable` where there is none: in a Linux process."""
    try:
        import _hw  # not at the top: the tool resolves every name of the catalog on the user's own machine
    except ImportError:
        raise Unavailable("an ordinary process has no hardware of its own", "Run it with -t virtio.") from None
    return _hw


def hardware_loop() -> Loop:
    """Return fata's loop over the machine's interrupts; over epoll where the same image runs as a Linux process."""
    try:
        machine = hardware()
    except Unavailable:
        from fata.driver.poller.epoll import EpollPoller

        return Loop(EpollPoller())
    return Loop(HardwarePoller(machine))
