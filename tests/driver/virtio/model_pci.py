"""A virtio device behind PCI in Python: configuration space by ports, the parts of its interface in a memory window."""

from __future__ import annotations

import struct
from random import Random

from fata.driver.virtio import mmio, pci, pci_bus
from fata.driver.virtio.interrupts import TABLE as FIRST_PIN
from fata.driver.virtio.interrupts import VERSION
from tests.driver.virtio.model import ModelDevice, ModelMemory

BAR = 0xFEB0_0000
SLOT = 3
WINDOW = 0x4000
COMMON, NOTIFY, OWN, TABLE, ISR = 0x0000, 0x1000, 0x2000, 0x3000, 0x3800
IO_APIC, IO_APIC_OCTETS = 0xFEC0_0000, 32
LINE = 10
PINS = 24
STEP = 4
FIRST_PART, PART = 0x40, 20  # where the capabilities are, and how long each is
READS = 5000


def _device_space(msix: bool) -> bytearray:
    space = bytearray(256)
    struct.pack_into("<HH", space, 0, pci_bus.VIRTIO, pci_bus.FIRST_MODERN + 1)
    space[pci_bus.STATUS] = pci_bus.HAS_CAPABILITIES
    struct.pack_into("<IIII", space, pci_bus.BARS, 0, 0, BAR | 4, 0)
    space[pci_bus.CAPABILITIES] = FIRST_PART
    parts = ((pci.COMMON, COMMON), (pci.NOTIFY, NOTIFY), (pci.OWN, OWN), (pci.ISR, ISR))
    for number, (kind, offset) in enumerate(parts):
        place = FIRST_PART + PART * number
        size = 4 if kind == pci.ISR else 0x1000
        space[place : place + PART] = struct.pack(
            "<BBBBBxxxIII", pci.VENDOR_CAPABILITY, place + PART, PART, kind, 2, offset, size, STEP
        )
    last = FIRST_PART + PART * len(parts)
    struct.pack_into("<BBHII", space, last, pci.MSIX if msix else 0x01, 0, 1, TABLE | 2, 0)
    space[pci_bus.INTERRUPT_LINE], space[pci_bus.INTERRUPT_PIN] = LINE, 1
    return space


def _bridge_space(behind: int) -> bytearray:
    space = bytearray(256)
    struct.pack_into("<HH", space, 0, 0x1B36, 0x0C)
    space[pci_bus.HEADER], space[pci_bus.SECONDARY_BUS] = pci_bus.BRIDGE, behind
    return space


class ModelPci(ModelMemory):
    """A machine with one device in a slot. It is the `Hardware` too; `lies` is the share of register reads that lie.

    `bridges` are numbers of buses: the device is on the last, behind a bridge on each; `function` is its number there.
    """

    FIRST_VECTOR = 0x40
    DEVICE_EVENTS = 62

    def __init__(
        self, *, lies: float = 0.0, seed: int = 1, bridges: tuple[int, ...] = (), function: int = 0, msix: bool = True
    ) -> None:
        super().__init__()
        self.pins = bytearray(8 * PINS)  # of the I/O APIC
        self._pin = 0
        self.device: ModelDevice | None = None
        self.messages = bytearray(16)
        self._lies = lies
        self._chance = Random(seed)
        self._address = 0
        self._reads = 0
        self._views: dict[int, tuple[int, memoryview]] = {}
        self._vectors: dict[int, int] = {}
        self.space = _device_space(msix)
        self.spaces: dict[tuple[int, int, int], bytearray] = {}  # by bus, slot, function
        bus = 0
        for behind in bridges:
            self.spaces[bus, SLOT, 0] = _bridge_space(behind)
            bus = behind
        if function:
            self.spaces[bus, SLOT, 0] = other = bytearray(256)
            struct.pack_into("<HH", other, 0, 0x8086, 1)
            other[pci_bus.HEADER] = pci_bus.SEVERAL_FUNCTIONS
        self.spaces[bus, SLOT, function] = self.space

    # Ports and memory.

    def _lie(self, value: int, width: int) -> int:
        self._reads += 1
        assert self._reads < READS, "the driver asks without end"
        if self._chance.random() < self._lies:
            return self._chance.choice((0, 1, 0xFF, 0xFFFF, self._chance.randrange(1 << 32))) & (1 << 8 * width) - 1
        return value

    def port_out(self, port: int, width: int, value: int) -> None:
        if port == pci_bus.ADDRESS_PORT:
            self._address = value
            return
        place = (self._address & 0xFC) + port - pci_bus.DATA_PORT
        if (space := self._space()) is not None:
            space[place : place + width] = value.to_bytes(width, "little")

    def port_in(self, port: int, width: int) -> int:
        place = (self._address & 0xFC) + port - pci_bus.DATA_PORT
        if (space := self._space()) is None:
            return (1 << 8 * width) - 1
        return self._lie(int.from_bytes(space[place : place + width], "little"), width)

    def _space(self) -> bytearray | None:
        address = self._address
        return self.spaces.get((address >> 16 & 0xFF, address >> 11 & 0x1F, address >> 8 & 7))

    def machine(self) -> dict[str, int]:
        return {"rsdp": 0}

    def map(self, address: int, octets: int, writable: bool = True, /) -> memoryview:
        if (address, octets) == (IO_APIC, IO_APIC_OCTETS):
            view = memoryview(bytes(octets))
            self._views[id(view)] = IO_APIC, view
            return view
        if not BAR <= address <= address + octets <= BAR + WINDOW:
            raise PermissionError(13, "Permission denied")
        view = memoryview(bytes(octets))
        self._views[id(view)] = address - BAR, view  # kept: another one must not get its identity
        return view

    def _place(self, view: memoryview, offset: int, width: int) -> int:
        """Return where in the window a register is; refuse as the kernel does."""
        place = self._views[id(view)][0] + offset
        if place % width or not 0 <= offset <= len(view) - width:
            raise ValueError(f"no {width} octets at offset {offset} of {len(view)}")
        return place

    def load(self, view: memoryview, offset: int, width: int, /) -> int:
        place = self._place(view, offset, width)
        if place >= IO_APIC:
            return PINS - 1 << 16 if self._pin == VERSION else 0
        return self._lie(self._load(place, width), width)

    def store(self, view: memoryview, offset: int, width: int, value: int, /) -> None:
        place = self._place(view, offset, width)
        if place == IO_APIC:
            self._pin = value
        elif place > IO_APIC:
            at = 4 * (self._pin - FIRST_PIN)
            self.pins[at : at + 4] = value.to_bytes(4, "little")
        elif place >= TABLE:
            self.messages[place - TABLE : place - TABLE + width] = value.to_bytes(width, "little")
        elif place >= NOTIFY and self.device is not None:
            assert place - NOTIFY == STEP * value
            self.device.store(mmio.NOTIFY, 4, value)
        elif self.device is not None:
            self._store(self.device, place, value)

    # Common registers, in terms of the model's own, which are those of mmio.

    def _load(self, place: int, width: int) -> int:
        device = self.device
        if device is None or TABLE <= place < ISR:
            return 0
        if place >= ISR:
            pending, device.pending = device.pending, 0
            return pending
        if place >= OWN:
            return device.load(mmio.CONFIG + place - OWN, width)
        match place:
            case pci.FEATURES:
                return device.load(mmio.FEATURES, 4)
            case pci.DEVICE_STATUS:
                return device.status
            case pci.QUEUE_SIZE:
                return device.load(mmio.QUEUE_LIMIT, 4)
            case pci.QUEUE_NOTIFY:
                return device.select[mmio.QUEUE_SELECT]
            case pci.QUEUE_VECTOR:
                return self._vectors.get(device.select[mmio.QUEUE_SELECT], pci.NO_VECTOR)
        return 0

    def _store(self, device: ModelDevice, place: int, value: int) -> None:
        same = {
            pci.FEATURES_SELECT: mmio.FEATURES_SELECT,
            pci.ACCEPTED_SELECT: mmio.ACCEPTED_SELECT,
            pci.ACCEPTED: mmio.ACCEPTED,
            pci.DEVICE_STATUS: mmio.STATUS,
            pci.QUEUE_SELECT: mmio.QUEUE_SELECT,
            pci.QUEUE_SIZE: mmio.QUEUE_SIZE,
            pci.QUEUE_ENABLE: mmio.QUEUE_READY,
        }
        for register, other in zip(pci.QUEUE_PLACES, mmio.QUEUE_PLACES, strict=True):
            same |= {register: other, register + 4: other + 4}
        if place == pci.QUEUE_VECTOR:
            self._vectors[device.select[mmio.QUEUE_SELECT]] = value
        elif place != pci.CONFIG_VECTOR:
            assert place in same, f"a write to register {place:#x}"
            device.store(same[place], 4, value)
