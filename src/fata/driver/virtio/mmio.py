"""virtio over memory-mapped registers, version 2 (virtio 1.2, 4.2).

000 magic            010 device features    020 driver features    030 queue select    034 queue limit
004 version          014 … which half       024 … which half       038 queue size      044 queue ready
008 kind             050 notify             060 interrupt status   064 acknowledge     070 status
080 descriptors (8)  090 available (8)      0a0 used (8)           0fc generation      100 configuration
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fata.driver.virtio.halves import load_features, load_field, store_addresses, store_features
from fata.errors import DeviceError

if TYPE_CHECKING:
    from fata.driver.virtio.contract import Registers

MAGIC, VERSION, KIND = 0x000, 0x004, 0x008
FEATURES, FEATURES_SELECT = 0x010, 0x014
ACCEPTED, ACCEPTED_SELECT = 0x020, 0x024
QUEUE_SELECT, QUEUE_LIMIT, QUEUE_SIZE, QUEUE_READY, NOTIFY = 0x030, 0x034, 0x038, 0x044, 0x050
INTERRUPT, INTERRUPT_ACKNOWLEDGE, STATUS = 0x060, 0x064, 0x070
QUEUE_PLACES = (0x080, 0x090, 0x0A0)
GENERATION, CONFIG = 0x0FC, 0x100
VIRT = 0x74726976  # "virt"
MODERN = 2
INTERRUPT_BITS = 3  # used buffer, configuration change


class Mmio:
    """A Transport. Raises `DeviceError` when there is no device of version 2."""

    def __init__(self, name: str, registers: Registers) -> None:
        self.name = name
        self._registers = registers
        magic, version = registers.load(MAGIC, 4), registers.load(VERSION, 4)
        if (magic, version) != (VIRT, MODERN):
            raise DeviceError(f"{name}: magic {magic:#x} and version {version}, where {VIRT:#x} and {MODERN} are due")
        self.kind = registers.load(KIND, 4)

    def status(self) -> int:
        return self._registers.load(STATUS, 4)

    def set_status(self, status: int) -> None:
        self._registers.store(STATUS, 4, status)

    def features(self) -> int:
        return load_features(self._registers, FEATURES_SELECT, FEATURES)

    def set_features(self, features: int) -> None:
        store_features(self._registers, ACCEPTED_SELECT, ACCEPTED, features)

    def queue_limit(self, number: int) -> int:
        self._registers.store(QUEUE_SELECT, 4, number)
        return self._registers.load(QUEUE_LIMIT, 4)

    def set_queue(self, number: int, size: int, descriptors: int, available: int, used: int) -> None:
        store = self._registers.store
        store(QUEUE_SELECT, 4, number)
        store(QUEUE_SIZE, 4, size)
        store_addresses(self._registers, QUEUE_PLACES, (descriptors, available, used))
        store(QUEUE_READY, 4, 1)

    def notify(self, number: int) -> None:
        self._registers.store(NOTIFY, 4, number)

    def acknowledge(self) -> None:
        self._registers.store(INTERRUPT_ACKNOWLEDGE, 4, self._registers.load(INTERRUPT, 4) & INTERRUPT_BITS)

    def config(self, offset: int, width: int) -> int:
        return load_field(self._registers, CONFIG + offset, width)

    def generation(self) -> int:
        return self._registers.load(GENERATION, 4)
