"""The PCI bus: configuration space by ports, functions of devices, buses behind bridges (PCI 3.0, 6; bridges 1.2).

Firmware has given addresses, interrupt lines and the numbers of buses; nothing of that is changed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fata.driver.virtio.hardware import Window
from fata.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fata.driver.virtio.hardware import Hardware

ADDRESS_PORT, DATA_PORT = 0xCF8, 0xCFC
SLOTS, FUNCTIONS = 32, 8  # devices on a bus, functions of a device
VENDOR, DEVICE, COMMAND, STATUS, HEADER, BARS = 0x00, 0x02, 0x04, 0x06, 0x0E, 0x10  # configuration space
SECONDARY_BUS, SUBSYSTEM, CAPABILITIES, INTERRUPT_LINE, INTERRUPT_PIN = 0x19, 0x2E, 0x34, 0x3C, 0x3D
NOTHING = 0xFFFF  # as vendor: there is no such function
SEVERAL_FUNCTIONS, HEADER_KIND, BRIDGE = 0x80, 0x7F, 1  # in the header's type
VIRTIO, FIRST_MODERN, FIRST_TRANSITIONAL = 0x1AF4, 0x1040, 0x1000
MEMORY, BUS_MASTER, NO_LINE = 1 << 1, 1 << 2, 1 << 10  # command bits
HAS_CAPABILITIES = 1 << 4  # status bit
MOST_CAPABILITIES = 48  # four octets each at least, in what a device has left
LARGEST_WINDOW = 1 << 24  # octets


class Function:
    """A function of a device, by its configuration space."""

    def __init__(self, hardware: Hardware, bus: int, slot: int, number: int = 0) -> None:
        self.hardware = hardware
        self.name = f"PCI device {bus:02x}:{slot:02x}.{number}"
        self._place = 1 << 31 | bus << 16 | slot << 11 | number << 8

    def load(self, offset: int, width: int) -> int:
        self.hardware.port_out(ADDRESS_PORT, 4, self._place | offset & 0xFC)
        return self.hardware.port_in(DATA_PORT + (offset & 3), width)

    def store(self, offset: int, width: int, value: int) -> None:
        self.hardware.port_out(ADDRESS_PORT, 4, self._place | offset & 0xFC)
        self.hardware.port_out(DATA_PORT + (offset & 3), width, value)

    @property
    def kind(self) -> int:
        """The virtio device's type; 0 for any other device, and none."""
        if self.load(VENDOR, 2) != VIRTIO:
            return 0
        device = self.load(DEVICE, 2)
        return device - FIRST_MODERN if device >= FIRST_MODERN else self.load(SUBSYSTEM, 2)

    def enable(self, *, line: bool) -> None:
        """Let it answer at its addresses and reach memory; `line` is whether it may use its interrupt line."""
        command = self.load(COMMAND, 2) | MEMORY | BUS_MASTER
        self.store(COMMAND, 2, command & ~NO_LINE if line else command | NO_LINE)

    def capabilities(self) -> list[tuple[int, int]]:
        """Return (kind, offset) of each capability."""
        found: list[tuple[int, int]] = []
        place = self.load(CAPABILITIES, 1) & 0xFC if self.load(STATUS, 2) & HAS_CAPABILITIES else 0
        while place:
            if len(found) == MOST_CAPABILITIES:
                raise DeviceError(f"{self.name}: its list of capabilities has no end")
            found.append((self.load(place, 1), place))
            place = self.load(place + 1, 1) & 0xFC
        return found

    def window(self, bar: int, offset: int, octets: int) -> Window:
        """Return registers that lie `offset` octets into the memory that a base address register names."""
        if bar > 5 or not 0 < octets <= LARGEST_WINDOW:
            raise DeviceError(f"{self.name}: {octets} octets of registers in base address register {bar}")
        low = self.load(BARS + 4 * bar, 4)
        wide = low & 0x6 == 0x4
        if low & 1 or (wide and bar == 5):
            raise DeviceError(f"{self.name}: base address register {bar} ({low:#x}) is not one of memory")
        base = low & ~0xF | (self.load(BARS + 4 * bar + 4, 4) << 32 if wide else 0)
        if not base:
            raise DeviceError(f"{self.name}: firmware has given its memory no address")
        return Window(self.hardware, self.name, base + offset, octets)


def functions(hardware: Hardware) -> Iterator[Function]:
    """Yield every function that is there, those behind a bridge right after it. Each bus is looked at once."""
    seen: set[int] = set()
    buses = [_on_bus(hardware, 0, seen)]
    while buses:
        function = next(buses[-1], None)
        if function is None:
            buses.pop()
            continue
        yield function
        if function.load(HEADER, 1) & HEADER_KIND == BRIDGE:
            behind = function.load(SECONDARY_BUS, 1)
            if behind and behind not in seen:
                buses.append(_on_bus(hardware, behind, seen))


def _on_bus(hardware: Hardware, bus: int, seen: set[int]) -> Iterator[Function]:
    seen.add(bus)
    for slot in range(SLOTS):
        first = Function(hardware, bus, slot)
        if first.load(VENDOR, 2) == NOTHING:
            continue
        yield first
        if first.load(HEADER, 1) & SEVERAL_FUNCTIONS:
            others = (Function(hardware, bus, slot, number) for number in range(1, FUNCTIONS))
            yield from (function for function in others if function.load(VENDOR, 2) != NOTHING)
