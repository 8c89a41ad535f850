"""virtio over PCI (virtio 1.2, 4.1), with MSI-X, or with the interrupt line that firmware has given.

A device says in a list of capabilities where, in its memory, the parts of its interface lie: common registers, a place
to notify it at, its own configuration, and whether it is the one that raised a line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fata.device.poller import Interrupt
from fata.driver.poller.line import Line
from fata.driver.virtio.acpi import isa_line
from fata.driver.virtio.halves import load_features, load_field, store_addresses, store_features
from fata.driver.virtio.interrupts import route
from fata.driver.virtio.pci_bus import INTERRUPT_LINE, INTERRUPT_PIN
from fata.errors import DeviceError, Unavailable

if TYPE_CHECKING:
    from fata.driver.virtio.hardware import Window
    from fata.driver.virtio.pci_bus import Function

VENDOR_CAPABILITY, MSIX = 0x09, 0x11
COMMON, NOTIFY, ISR, OWN = 1, 2, 3, 4  # kinds of a virtio capability
MESSAGE_ADDRESS = 0xFEE00000  # of the first processor's local APIC
NO_VECTOR = 0xFFFF
ISA_LINES = 16  # as firmware numbers lines; the last events are theirs
# Common registers, 4.1.4.3.
FEATURES_SELECT, FEATURES, ACCEPTED_SELECT, ACCEPTED, CONFIG_VECTOR = 0, 4, 8, 12, 16
DEVICE_STATUS, GENERATION, QUEUE_SELECT, QUEUE_SIZE = 20, 21, 22, 24
QUEUE_VECTOR, QUEUE_ENABLE, QUEUE_NOTIFY = 26, 28, 30
QUEUE_PLACES = (32, 40, 48)


class Part(NamedTuple):
    """A part of the interface, as its capability tells it (4.1.4)."""

    window: Window
    octets: int
    place: int  # of the capability


class Pci:
    """A Transport. `event` is the event that its messages raise. Raises `DeviceError`.

    `source` is what to register with the poller.
    """

    def __init__(self, function: Function, event: int) -> None:
        self.name = function.name
        self.kind = function.kind
        parts: dict[int, Part] = {}
        msix = 0
        function.enable(line=False)
        for kind, place in function.capabilities():
            if kind == MSIX:
                msix = place
            elif kind == VENDOR_CAPABILITY and (part := function.load(place + 3, 1)) in (COMMON, NOTIFY, ISR, OWN):
                octets = function.load(place + 12, 4)
                window = function.window(function.load(place + 4, 1), function.load(place + 8, 4), octets)
                parts.setdefault(part, Part(window, octets, place))  # the first of a kind counts, 4.1.4.1
        if {COMMON, NOTIFY, ISR, OWN} - set(parts):
            raise DeviceError(f"{function.name}: parts of its interface are missing; it has {sorted(parts)}")
        self._common, self._own = parts[COMMON].window, parts[OWN].window
        self._notify = parts[NOTIFY].window
        self._step = function.load(parts[NOTIFY].place + 16, 4)
        self._places: dict[int, int] = {}  # where to notify a queue
        self._messages = msix > 0
        if self._messages:
            _send_messages(function, msix, event)
            self.source = Interrupt(event)
        else:
            self.source = _share_line(function, parts[ISR].window)

    def status(self) -> int:
        return self._common.load(DEVICE_STATUS, 1)

    def set_status(self, status: int) -> None:
        self._common.store(DEVICE_STATUS, 1, status)

    def features(self) -> int:
        return load_features(self._common, FEATURES_SELECT, FEATURES)

    def set_features(self, features: int) -> None:
        store_features(self._common, ACCEPTED_SELECT, ACCEPTED, features)

    def queue_limit(self, number: int) -> int:
        self._common.store(QUEUE_SELECT, 2, number)
        return self._common.load(QUEUE_SIZE, 2)

    def set_queue(self, number: int, size: int, descriptors: int, available: int, used: int) -> None:
        common = self._common
        common.store(QUEUE_SELECT, 2, number)
        common.store(QUEUE_SIZE, 2, size)
        store_addresses(common, QUEUE_PLACES, (descriptors, available, used))
        if self._messages:
            common.store(CONFIG_VECTOR, 2, NO_VECTOR)
            common.store(QUEUE_VECTOR, 2, 0)
            if common.load(QUEUE_VECTOR, 2) != 0:
                raise DeviceError(f"{self.name}: it has no interrupt left for queue {number}")
        self._places[number] = common.load(QUEUE_NOTIFY, 2) * self._step
        common.store(QUEUE_ENABLE, 2, 1)

    def notify(self, number: int) -> None:
        self._notify.store(self._places[number], 2, number)

    def acknowledge(self) -> None:
        """Do nothing: a message is an edge, and `Line.asks` has taken note of a line."""

    def config(self, offset: int, width: int) -> int:
        return load_field(self._own, offset, width)

    def generation(self) -> int:
        return self._common.load(GENERATION, 1)


def _send_messages(function: Function, msix: int, event: int) -> None:
    """Have the device raise `event` by its first message (PCI 3.0, 6.8.2)."""
    place = function.load(msix + 4, 4)
    table = function.window(place & 7, place & ~7, 16)
    for offset, value in ((0, MESSAGE_ADDRESS), (4, 0), (8, function.hardware.FIRST_VECTOR + event), (12, 0)):
        table.store(offset, 4, value)
    control = function.load(msix + 2, 2)
    function.store(msix + 2, 2, control & ~(1 << 14) | 1 << 15)


def _share_line(function: Function, status: Window) -> Line:
    """Have the device use its interrupt line; the event is the line's, since others may be at it."""
    hardware = function.hardware
    line = function.load(INTERRUPT_LINE, 1)
    if not function.load(INTERRUPT_PIN, 1) or line >= ISA_LINES:
        raise Unavailable(
            f"{function.name}: the device has no MSI-X, and firmware has given it no interrupt line",
            "Give the device MSI-X (QEMU: leave vectors=0 out), or take a machine of kind microvm.",
        )
    event = hardware.DEVICE_EVENTS - ISA_LINES + line
    route(hardware, isa_line(hardware, line), event)
    function.enable(line=True)
    return Line(event, lambda: status.load(0, 1) > 0)
