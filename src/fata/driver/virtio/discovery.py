"""The virtio devices of a machine: those that its boot line or firmware tells, then those on PCI's first bus.

Firecracker, and QEMU's microvm without ACPI, add a word for each device to the boot line, `SIZE@ADDRESS:LINE`, as Linux
reads it; the kernel gathers them in FATA_VIRTIO_MMIO.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fata.device.poller import Interrupt
from fata.driver.virtio import pci
from fata.driver.virtio.acpi import Place, virtio_places
from fata.driver.virtio.hardware import Window
from fata.driver.virtio.interrupts import route
from fata.driver.virtio.mmio import Mmio
from fata.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fata.driver.virtio.contract import Transport
    from fata.driver.virtio.hardware import Hardware

WORD = re.compile(r"(\d+)([KkMm]?)@(0x[0-9a-fA-F]+|\d+):(\d+)(?::\d+)?")
UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20}
LEAST_REGISTERS = 0x200  # octets: those of the transport, and of any device that is known here


def find(hardware: Hardware, words: str, kind: int, number: int) -> tuple[Transport, Interrupt] | None:
    """Return the device of a kind with a number, counted from 0, and its interrupt; None when there are fewer.

    An interrupt's number follows from the device's place, so that devices may be looked for in any order.
    """
    for event, each in enumerate(_all(hardware, words)):
        if each.kind != kind:
            continue
        if number:
            number -= 1
            continue
        if event >= hardware.DEVICE_EVENTS:
            raise DeviceError(f"the machine has more than {hardware.DEVICE_EVENTS} devices")
        return each.connect(event), Interrupt(event)
    return None


class MmioFound:
    """A device that the boot line tells."""

    def __init__(self, hardware: Hardware, place: Place) -> None:
        self._hardware = hardware
        self._place = place
        name = f"virtio at {place.address:#x}"
        self._transport = Mmio(name, Window(hardware, name, place.address, place.octets))
        self.kind = self._transport.kind

    def connect(self, event: int) -> Transport:
        """Route its interrupts to an event."""
        route(self._hardware, self._place.line, event)
        return self._transport


class PciFound:
    """A device on the bus."""

    def __init__(self, function: pci.Function) -> None:
        self._function = function
        self.kind = function.kind

    def connect(self, event: int) -> Transport:
        """Find its registers, and have its messages raise an event."""
        return pci.Pci(self._function, event)


def _all(hardware: Hardware, words: str) -> Iterator[MmioFound | PciFound]:
    for place in dict.fromkeys((*read_places(words), *virtio_places(hardware))):
        yield MmioFound(hardware, place)
    for slot in range(pci.SLOTS):
        yield PciFound(pci.Function(hardware, slot))


def read_places(words: str) -> Iterator[Place]:
    """Read the boot line's words. Raises `DeviceError`."""
    for word in words.split():
        match = WORD.fullmatch(word)
        octets = int(match[1]) * UNITS[match[2].lower()] if match else 0
        if match is None or octets < LEAST_REGISTERS:
            raise DeviceError(f"virtio_mmio.device={word}: not SIZE@ADDRESS:LINE, of {LEAST_REGISTERS} octets or more")
        yield Place(int(match[3], 0), octets, int(match[4]))
