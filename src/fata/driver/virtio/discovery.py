"""The virtio devices of a machine: those that its boot line or firmware tells, then those on PCI's buses.

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
from fata.driver.virtio.pci_bus import functions
from fata.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fata.driver.virtio.contract import Transport
    from fata.driver.virtio.hardware import Hardware
    from fata.driver.virtio.pci_bus import Function

WORD = re.compile(r"(\d+)([KkMm]?)@(0x[0-9a-fA-F]+|\d+):(\d+)(?::\d+)?")
UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20}
LEAST_REGISTERS = 0x200  # octets: those of the transport, and of any device that is known here


def find(hardware: Hardware, words: str, kind: int, number: int) -> tuple[Transport, Interrupt] | None:
    """Return the device of a kind with a number, counted from 0, and its interrupt; None when there are fewer.

    An interrupt's number follows from the device's place, so that devices may be looked for in any order.
    """
    most = hardware.DEVICE_EVENTS - pci.ISA_LINES
    for event, each in enumerate(_all(hardware, words)):
        if each.kind != kind:
            continue
        if number:
            number -= 1
            continue
        if event >= most:
            raise DeviceError(f"{each.name}: the machine has more than {most} virtio devices")
        return each.connect(event)
    return None


class MmioFound:
    """A device that the boot line tells."""

    def __init__(self, hardware: Hardware, place: Place) -> None:
        self._hardware = hardware
        self._place = place
        self.name = f"virtio at {place.address:#x}"
        self._transport = Mmio(self.name, Window(hardware, self.name, place.address, place.octets))
        self.kind = self._transport.kind

    def connect(self, event: int) -> tuple[Transport, Interrupt]:
        """Route its interrupts to an event."""
        route(self._hardware, self._place.line, event)
        return self._transport, Interrupt(event)


class PciFound:
    """A device on a bus."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self.name = function.name
        self.kind = function.kind

    def connect(self, event: int) -> tuple[Transport, Interrupt]:
        """Find its registers, and have its messages raise an event."""
        transport = pci.Pci(self._function, event)
        return transport, transport.source


def _all(hardware: Hardware, words: str) -> Iterator[MmioFound | PciFound]:
    for place in dict.fromkeys((*read_places(words), *virtio_places(hardware))):
        at_registers = MmioFound(hardware, place)
        if at_registers.kind:
            yield at_registers
    for function in functions(hardware):
        on_bus = PciFound(function)
        if on_bus.kind:
            yield on_bus


def read_places(words: str) -> Iterator[Place]:
    """Read the boot line's words. Raises `DeviceError`."""
    for word in words.split():
        match = WORD.fullmatch(word)
        octets = int(match[1]) * UNITS[match[2].lower()] if match else 0
        if match is None or octets < LEAST_REGISTERS:
            raise DeviceError(f"virtio_mmio.device={word}: not SIZE@ADDRESS:LINE, of {LEAST_REGISTERS} octets or more")
        yield Place(int(match[3], 0), octets, int(match[4]))
