"""A virtio device behind PCI in Python: configuration space by ports, the parts of its interface in a memory window."""

from __future__ import annotations

import struct
from random import Random

from fata.driver.virtio import mmio, pci
from tests.driver.virtio.model import ModelDevice, ModelMemory

BAR = 0xFEB0_0000
SLOT = 3
WINDOW = 0x4000
COMMON, NOTIFY, OWN, TABLE = 0x0000, 0x1000, 0x2000, 0x3000
STEP = 4
READS = 5000


class ModelPci(ModelMemory):
    """A machine with one device in a slot. It is the `Hardware` too; `lies` is the share of register reads that lie."""

    FIRST_VECTOR = 0x40
    DEVICE_EVENTS = 62

    def __init__(self, *, lies: float = 0.0, seed: int = 1) -> None:
        super().__init__()
        self.device: ModelDevice | None = None
        self.messages = bytearray(16)
        self._lies = lies
        self._chance = Random(seed)
        self._address = 0
        self._reads = 0
        self._views: dict[int, tuple[int, memoryview]] = {}
        self._vectors: dict[int, int] = {}
        self.space = bytearray(256)
        struct.pack_into("<HH", self.space, 0, pci.VIRTIO, pci.FIRST_MODERN + 1)
        self.space[pci.STATUS] = pci.HAS_CAPABILITIES
        struct.pack_into("<IIII", self.space, pci.BARS, 0, 0, BAR | 4, 0)
        self.space[pci.CAPABILITIES] = 0x40
        for place, kind, offset in ((0x40, pci.COMMON, COMMON), (0x54, pci.NOTIFY, NOTIFY), (0x68, pci.OWN, OWN)):
            capability = struct.pack(
                "<BBBBBxxxIII", pci.VENDOR_CAPABILITY, place + 0x14, 20, kind, 2, offset, 0x1000, STEP
            )
            self.space[place : place + 20] = capability
        struct.pack_into("<BBHII", self.space, 0x7C, pci.MSIX, 0, 1, TABLE | 2, 0)

    # Ports and memory.

    def _lie(self, value: int, width: int) -> int:
        self._reads += 1
        assert self._reads < READS, "the driver asks without end"
        if self._chance.random() < self._lies:
            return self._chance.choice((0, 1, 0xFF, 0xFFFF, self._chance.randrange(1 << 32))) & (1 << 8 * width) - 1
        return value

    def port_out(self, port: int, width: int, value: int) -> None:
        if port == pci.ADDRESS_PORT:
            self._address = value
            return
        place = (self._address & 0xFC) + port - pci.DATA_PORT
        if self._address >> 11 & 0x1F == SLOT:
            self.space[place : place + width] = value.to_bytes(width, "little")

    def port_in(self, port: int, width: int) -> int:
        place = (self._address & 0xFC) + port - pci.DATA_PORT
        if self._address >> 11 & 0x1F != SLOT:
            return (1 << 8 * width) - 1
        return self._lie(int.from_bytes(self.space[place : place + width], "little"), width)

    def machine(self) -> dict[str, int]:
        return {"rsdp": 0}

    def map(self, address: int, octets: int, writable: bool = True, /) -> memoryview:
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
        return self._lie(self._load(self._place(view, offset, width), width), width)

    def store(self, view: memoryview, offset: int, width: int, value: int, /) -> None:
        place = self._place(view, offset, width)
        if place >= TABLE:
            self.messages[place - TABLE : place - TABLE + width] = value.to_bytes(width, "little")
        elif place >= NOTIFY and self.device is not None:
            assert place - NOTIFY == STEP * value
            self.device.store(mmio.NOTIFY, 4, value)
        elif self.device is not None:
            self._store(self.device, place, value)

    # Common registers, in terms of the model's own, which are those of mmio.

    def _load(self, place: int, width: int) -> int:
        device = self.device
        if device is None or place >= TABLE:
            return 0
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
