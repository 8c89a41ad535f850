"""A virtio device in Python, as a hypervisor makes it: mmio registers, split rings in shared memory (virtio 1.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from fata.driver.virtio import mmio
from fata.driver.virtio.session import DRIVER_OK, EVENT_IDX, FEATURES_OK, VERSION_1

PAGE = 4096
BASE = 0x1000_0000  # where the memory begins, for devices
GUARD = b"\xa5" * PAGE  # what stands where nobody writes
NEXT, WRITE, INDIRECT = 1, 2, 4


class ModelMemory:
    """The memory of a machine: a driver's pages lie in it, each piece between guards.

    A device that is told to write elsewhere is found out at once, a write that nobody was told of by `check`.
    """

    def __init__(self, pages: int = 1024) -> None:
        self.octets = bytearray(GUARD * pages)
        self.view = memoryview(self.octets)
        self._taken = PAGE  # after a guard
        self._pieces: list[tuple[int, int]] = []  # start, octets

    def dma(self, pages: int) -> tuple[int, memoryview]:
        start, octets = self._taken, pages * PAGE
        assert pages > 0
        self._taken += octets + PAGE
        assert self._taken <= len(self.octets), "the driver takes memory without end"
        self._pieces.append((start, octets))
        self.view[start : start + octets] = bytes(octets)
        return BASE + start, self.view[start : start + octets]

    @property
    def taken(self) -> int:
        """Octets that the driver has, guards not counted."""
        return sum(octets for _, octets in self._pieces)

    def barrier(self) -> None:
        """Do nothing: the model runs in the driver's own thread."""

    def check(self) -> None:
        """Find out whether something was written outside the driver's pages."""
        places = [0, *(start + octets for start, octets in self._pieces)]
        for place, following in zip(places, [start for start, _ in self._pieces] + [len(self.octets)], strict=True):
            length = min(following - place, PAGE)
            assert self.octets[place : place + length] == GUARD[:1] * length, f"a stray write near {BASE + place:#x}"

    def at(self, address: int, length: int) -> memoryview:
        """Return memory as a device sees it."""
        start = address - BASE
        for piece, octets in self._pieces:
            if piece <= start <= start + length <= piece + octets:
                return self.view[start : start + length]
        raise AssertionError(f"the driver points to {length} octets at {address:#x}")

    def number(self, address: int, width: int) -> int:
        return int.from_bytes(self.at(address, width), "little")

    def set_number(self, address: int, width: int, value: int) -> None:
        self.at(address, width)[:] = value.to_bytes(width, "little")


class Chain(NamedTuple):
    """What a driver has made available: the parts to be read, then those to be written."""

    head: int
    readable: list[memoryview]
    writable: list[memoryview]

    def read(self) -> bytes:
        return b"".join(self.readable)

    def write(self, octets: bytes) -> int:
        """Fill the writable parts; return how many octets fitted."""
        place = 0
        for part in self.writable:
            piece = octets[place : place + len(part)]
            part[: len(piece)] = piece
            place += len(piece)
        return place


class Queue:
    """The device's side of a queue."""

    def __init__(self, memory: ModelMemory, limit: int) -> None:
        self.memory = memory
        self.limit = limit
        self.size = limit
        self.ready = False
        self.places = [0, 0, 0]
        self.event_index = False
        self.taken = 0  # chains, modulo 2¹⁶
        self.used = 0

    def next(self) -> Chain | None:
        """Take the next chain; None when there is none."""
        _, available, used = self.places
        index = self.memory.number(available + 2, 2)
        assert (index - self.taken) & 0xFFFF <= self.size, "more chains than descriptors"
        if self.event_index:
            self.memory.set_number(used + 4 + 8 * self.size, 2, self.taken)
        if index == self.taken:
            return None
        head = self.memory.number(available + 4 + 2 * (self.taken % self.size), 2)
        self.taken = (self.taken + 1) & 0xFFFF
        if self.event_index:
            self.memory.set_number(used + 4 + 8 * self.size, 2, self.taken)
        return self._chain(head)

    def _chain(self, head: int) -> Chain:
        chain = Chain(head, [], [])
        index, steps = head, 0
        while True:
            assert index < self.size
            assert (steps := steps + 1) <= self.size, "a chain without end"
            place = self.places[0] + 16 * index
            flags = self.memory.number(place + 12, 2)
            assert not flags & INDIRECT
            part = self.memory.at(self.memory.number(place, 8), self.memory.number(place + 8, 4))
            assert flags & WRITE or not chain.writable, "a part to be read behind one to be written"
            (chain.writable if flags & WRITE else chain.readable).append(part)
            if not flags & NEXT:
                return chain
            index = self.memory.number(place + 14, 2)

    def put(self, head: int, written: int) -> None:
        """Write an entry of the used ring; `show` makes it known."""
        entry = self.places[2] + 4 + 8 * (self.used % self.size)
        self.memory.set_number(entry, 4, head)
        self.memory.set_number(entry + 4, 4, written)
        self.used = (self.used + 1) & 0xFFFF

    def show(self) -> bool:
        """Publish the used ring; return whether the driver wants an interrupt."""
        _, available, used = self.places
        before = self.memory.number(used + 2, 2)
        self.memory.set_number(used + 2, 2, self.used)
        if not self.event_index:
            return before != self.used and not self.memory.number(available, 2) & 1
        event = self.memory.number(available + 4 + 2 * self.size, 2)
        return (self.used - event - 1) & 0xFFFF < (self.used - before) & 0xFFFF


class ModelDevice:
    """Registers of a device with `queues` queues. Its kind is a subclass."""

    kind = 0
    own_features = 0

    def __init__(
        self, memory: ModelMemory, interrupt: Callable[[], None], queues: int, *, limit: int = 256, masked: int = 0
    ) -> None:
        self.memory = memory
        self.interrupt = interrupt
        self.offered = (self.own_features | VERSION_1 | EVENT_IDX) & ~masked
        self.limit = limit
        self.count = queues
        self.config = bytearray(64)
        self.interrupts = 0  # how many were raised
        self.notified = 0
        self.reset()

    def reset(self) -> None:
        self.status = 0
        self.accepted = 0
        self.pending = 0  # interrupt status
        self.select = dict.fromkeys((mmio.FEATURES_SELECT, mmio.ACCEPTED_SELECT, mmio.QUEUE_SELECT), 0)
        self.queues = [Queue(self.memory, self.limit) for _ in range(self.count)]

    @property
    def works(self) -> bool:
        return self.status & DRIVER_OK > 0

    def load(self, offset: int, width: int) -> int:
        if offset >= mmio.CONFIG:
            place = offset - mmio.CONFIG
            return int.from_bytes(self.config[place : place + width], "little")
        assert width == 4
        match offset:
            case mmio.MAGIC:
                return mmio.VIRT
            case mmio.VERSION:
                return mmio.MODERN
            case mmio.KIND:
                return self.kind
            case mmio.FEATURES:
                return self.offered >> 32 * self.select[mmio.FEATURES_SELECT] & 0xFFFFFFFF
            case mmio.QUEUE_LIMIT:
                number = self.select[mmio.QUEUE_SELECT]
                return self.limit if number < self.count else 0
            case mmio.INTERRUPT:
                return self.pending
            case mmio.STATUS:
                return self.status
            case mmio.GENERATION:
                return 0
        raise AssertionError(f"a read of register {offset:#x}")

    def store(self, offset: int, width: int, value: int) -> None:
        assert width == 4
        assert 0 <= value < 1 << 32
        queue = self.queues[self.select[mmio.QUEUE_SELECT]]
        match offset:
            case mmio.FEATURES_SELECT | mmio.ACCEPTED_SELECT | mmio.QUEUE_SELECT:
                self.select[offset] = value
            case mmio.ACCEPTED:
                self.accepted |= value << 32 * self.select[mmio.ACCEPTED_SELECT]
            case mmio.QUEUE_SIZE:
                assert value & value - 1 == 0
                assert 0 < value <= self.limit
                queue.size = value
            case mmio.QUEUE_READY:
                queue.ready = bool(value)
                queue.event_index = self.accepted & EVENT_IDX > 0
            case mmio.NOTIFY:
                assert self.works
                self.notified += 1
                self.notice(value)
            case mmio.INTERRUPT_ACKNOWLEDGE:
                self.pending &= ~value
            case mmio.STATUS:
                self._set_status(value)
            case _:
                self._set_place(queue, offset, value)

    def _set_status(self, value: int) -> None:
        if value == 0:
            self.reset()
            return
        assert value & self.status == self.status, "a status bit is taken back"
        if value & FEATURES_OK and (self.accepted & ~self.offered or not self.accepted & VERSION_1):
            value &= ~FEATURES_OK
        began = value & DRIVER_OK and not self.works
        self.status = value
        if began:
            assert self.accepted & VERSION_1
            self.begin()

    def _set_place(self, queue: Queue, offset: int, value: int) -> None:
        for number, register in enumerate(mmio.QUEUE_PLACES):
            if offset in (register, register + 4):
                queue.places[number] |= value << 8 * (offset - register)
                return
        raise AssertionError(f"a write to register {offset:#x}")

    def show(self, queue: Queue) -> None:
        """Publish what was used, and interrupt if that is wanted."""
        if queue.show():
            self.interrupts += 1
            self.pending |= 1
            self.interrupt()

    # What a kind of device does.

    def begin(self) -> None:
        """The driver is ready."""

    def notice(self, number: int) -> None:
        """Queue `number` has news."""
        raise NotImplementedError
