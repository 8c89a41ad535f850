"""virtio over PCI, with MSI-X (virtio 1.2, 4.1).

A device says in a list of capabilities where, in its memory, the parts of its interface lie: common registers, a place
to notify it at, its own configuration. Of bus 0 function 0 of each device is looked at; firmware has given addresses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fata.driver.virtio.hardware import Window
from fata.errors import DeviceError, Unavailable

if TYPE_CHECKING:
    from fata.driver.virtio.hardware import Hardware

ADDRESS_PORT, DATA_PORT = 0xCF8, 0xCFC
SLOTS = 32  # devices on a bus
VENDOR, DEVICE, COMMAND, STATUS, BARS, CAPABILITIES = 0x00, 0x02, 0x04, 0x06, 0x10, 0x34  # configuration space
SUBSYSTEM = 0x2E
VIRTIO, FIRST_MODERN, FIRST_TRANSITIONAL = 0x1AF4, 0x1040, 0x1000
MEMORY, BUS_MASTER, NO_LINE = 1 << 1, 1 << 2, 1 << 10  # command bits
HAS_CAPABILITIES = 1 << 4  # status bit
MOST_CAPABILITIES = 48  # four octets each at least, in what a device has left
VENDOR_CAPABILITY, MSIX = 0x09, 0x11
COMMON, NOTIFY, OWN = 1, 2, 4  # kinds of a virtio capability
LARGEST_WINDOW = 1 << 24  # octets
MESSAGE_ADDRESS = 0xFEE00000  # of the first processor's local APIC
NO_VECTOR = 0xFFFF
# Common registers, 4.1.4.3.
FEATURES_SELECT, FEATURES, ACCEPTED_SELECT, ACCEPTED, CONFIG_VECTOR = 0, 4, 8, 12, 16
DEVICE_STATUS, GENERATION, QUEUE_SELECT, QUEUE_SIZE, QUEUE_VECTOR, QUEUE_ENABLE, QUEUE_NOTIFY = (
    20,
    21,
    22,
    24,
    26,
    28,
    30,
)
QUEUE_PLACES = (32, 40, 48)


class Function:
    """A device's configuration space, by way of the ports."""

    def __init__(self, hardware: Hardware, slot: int) -> None:
        self.hardware = hardware
        self.slot = slot
        self.name = f"PCI device {slot}"

    def load(self, offset: int, width: int) -> int:
        self.hardware.port_out(ADDRESS_PORT, 4, 1 << 31 | self.slot << 11 | offset & 0xFC)
        return self.hardware.port_in(DATA_PORT + (offset & 3), width)

    def store(self, offset: int, width: int, value: int) -> None:
        self.hardware.port_out(ADDRESS_PORT, 4, 1 << 31 | self.slot << 11 | offset & 0xFC)
        self.hardware.port_out(DATA_PORT + (offset & 3), width, value)

    @property
    def kind(self) -> int:
        """The virtio device's type; 0 for any other device, and none."""
        if self.load(VENDOR, 2) != VIRTIO:
            return 0
        device = self.load(DEVICE, 2)
        return device - FIRST_MODERN if device >= FIRST_MODERN else self.load(SUBSYSTEM, 2)

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


class Part(NamedTuple):
    """A part of the interface, as its capability tells it (4.1.4)."""

    window: Window
    octets: int
    place: int  # of the capability


class Pci:
    """A Transport. `event` is the event that its interrupts raise. Raises `DeviceError`."""

    def __init__(self, function: Function, event: int) -> None:
        self._name = function.name
        self._kind = function.kind
        parts: dict[int, Part] = {}
        msix = 0
        command = function.load(COMMAND, 2)
        function.store(COMMAND, 2, command | MEMORY | BUS_MASTER | NO_LINE)
        for kind, place in function.capabilities():
            if kind == MSIX:
                msix = place
            elif kind == VENDOR_CAPABILITY and (part := function.load(place + 3, 1)) in (COMMON, NOTIFY, OWN):
                octets = function.load(place + 12, 4)
                window = function.window(function.load(place + 4, 1), function.load(place + 8, 4), octets)
                parts.setdefault(part, Part(window, octets, place))  # the first of a kind counts, 4.1.4.1
        if {COMMON, NOTIFY, OWN} - set(parts):
            raise DeviceError(f"{function.name}: parts of its interface are missing; it has {sorted(parts)}")
        self._common, self._own = parts[COMMON].window, parts[OWN].window
        self._notify = parts[NOTIFY].window
        self._step = function.load(parts[NOTIFY].place + 16, 4)
        self._places: dict[int, int] = {}  # where to notify a queue
        _send_messages(function, msix, event)

    @property
    def name(self) -> str:
        return self._name

    @property
    def kind(self) -> int:
        return self._kind

    def status(self) -> int:
        return self._common.load(DEVICE_STATUS, 1)

    def set_status(self, status: int) -> None:
        self._common.store(DEVICE_STATUS, 1, status)

    def features(self) -> int:
        value = 0
        for half in (0, 1):
            self._common.store(FEATURES_SELECT, 4, half)
            value |= self._common.load(FEATURES, 4) << 32 * half
        return value

    def set_features(self, features: int) -> None:
        for half in (0, 1):
            self._common.store(ACCEPTED_SELECT, 4, half)
            self._common.store(ACCEPTED, 4, features >> 32 * half & 0xFFFFFFFF)

    def queue_limit(self, number: int) -> int:
        self._common.store(QUEUE_SELECT, 2, number)
        return self._common.load(QUEUE_SIZE, 2)

    def set_queue(self, number: int, size: int, descriptors: int, available: int, used: int) -> None:
        common = self._common
        common.store(QUEUE_SELECT, 2, number)
        common.store(QUEUE_SIZE, 2, size)
        for register, address in zip(QUEUE_PLACES, (descriptors, available, used), strict=True):
            common.store(register, 4, address & 0xFFFFFFFF)
            common.store(register + 4, 4, address >> 32)
        common.store(CONFIG_VECTOR, 2, NO_VECTOR)
        common.store(QUEUE_VECTOR, 2, 0)
        if common.load(QUEUE_VECTOR, 2) != 0:
            raise DeviceError(f"{self._name}: it has no interrupt left for queue {number}")
        self._places[number] = common.load(QUEUE_NOTIFY, 2) * self._step
        common.store(QUEUE_ENABLE, 2, 1)

    def notify(self, number: int) -> None:
        self._notify.store(self._places[number], 2, number)

    def acknowledge(self) -> None:
        """Do nothing: a message is an edge."""

    def config(self, offset: int, width: int) -> int:
        if width == 8:
            return self.config(offset, 4) | self.config(offset + 4, 4) << 32
        return self._own.load(offset, width)

    def generation(self) -> int:
        return self._common.load(GENERATION, 1)


def _send_messages(function: Function, msix: int, event: int) -> None:
    """Have the device raise `event` by its first message (PCI 3.0, 6.8.2)."""
    if not msix:
        raise Unavailable(f"{function.name}: the device has no MSI-X", "Attach it to a machine of kind microvm.")
    place = function.load(msix + 4, 4)
    table = function.window(place & 7, place & ~7, 16)
    for offset, value in ((0, MESSAGE_ADDRESS), (4, 0), (8, function.hardware.FIRST_VECTOR + event), (12, 0)):
        table.store(offset, 4, value)
    control = function.load(msix + 2, 2)
    function.store(msix + 2, 2, control & ~(1 << 14) | 1 << 15)
