"""The machine without an operating system, and the devices that it has."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from fata.driver.poller.hardware import Events
from fata.driver.virtio.discovery import find
from fata.driver.virtio.hardware import Hardware
from fata.errors import Unavailable

if TYPE_CHECKING:
    from fata.device.poller import Interrupt
    from fata.driver.virtio.contract import Transport

WORDS = "FATA_VIRTIO_MMIO"  # the environment variable in which the kernel gathers what the boot line told


class Machine(Hardware, Events, Protocol):
    """All that drivers use of the kernel's `_hw` module."""


def hardware() -> Machine:
    """Return the kernel's `_hw` module. Raises `Unavailable` where there is none: in a Linux process."""
    try:
        import _hw  # not at the top: the tool resolves every name of the catalog on the user's own machine
    except ImportError:
        raise Unavailable("an ordinary process has no hardware of its own", "Run it with -t virtio.") from None
    return _hw


def device(kind: int, number: int) -> tuple[Transport, Interrupt] | None:
    """Return the virtio device of a kind with a number, counted from 0; None when there are fewer."""
    return find(hardware(), os.environ.get(WORDS, ""), kind, number)
