"""virtio-blk: a disk (virtio 1.2, 5.2).

Up to 16 requests are under way at once, each of at most 64 KiB, in a slot of its own: three descriptors (what is
asked, data, status) and pages that belong to it. A longer transfer is several requests.
"""

from __future__ import annotations

import asyncio
from collections import deque
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from fata.driver.block.geometry import SECTOR_SIZES, Geometry, octets_of
from fata.driver.virtio.ring import PAGE
from fata.driver.virtio.session import Session
from fata.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fata.device.block import Buffer
    from fata.device.poller import Poller, Source
    from fata.driver.virtio.contract import Memory, Transport

KIND = 2
SIZE_MAX, RO, BLK_SIZE, FLUSH, DISCARD = 1, 5, 6, 9, 13  # feature bits, 5.2.3
WANTED = sum(1 << bit for bit in (SIZE_MAX, RO, BLK_SIZE, FLUSH, DISCARD))
CAPACITY, LARGEST, BLOCK_SIZE, MOST_DISCARDED = (0, 8), (8, 4), (20, 4), (36, 4)  # configuration, 5.2.4
UNIT = 512  # octets; sectors are counted in these, whatever the disk's own size is
REQUEST = Struct("<IIQ")  # type, reserved, sector, 5.2.6
READ, WRITE, FLUSHING, DISCARDING = 0, 1, 4, 11  # types
RANGE = Struct("<QII")  # sector, count, flags: what is to be discarded
STATUSES = {1: "an input or output error", 2: "a request that the device does not know"}
OK = 0
SLOTS = 16
DATA = 16 * PAGE  # octets a request
SLOT = DATA + PAGE  # octets: the data, then a page for the rest
STATUS = 64  # octets into that page; the request is at its start
CHAIN = 3  # descriptors
UNANSWERED = 0xFF  # what stands where the device is to write a status


class Request(NamedTuple):
    """A request that is under way in a slot."""

    kind: int
    octets: int  # of data
    done: asyncio.Future[bytes]


class VirtioBlock:
    """A Block, for the loop that runs. `source` is the interrupt, `masked` are feature bits not to be used.

    Without the FLUSH feature a write that has returned is durable, 5.2.5.1. Raises `DeviceError`.
    """

    def __init__(
        self, transport: Transport, memory: Memory, poller: Poller, source: Source, *, masked: int = 0
    ) -> None:
        self._session = session = Session(transport, memory, WANTED)
        session.accept(session.features & ~masked)
        self._geometry = self._shape()
        geometry = self._geometry
        self.sectors, self.sector_size, self.read_only = geometry.sectors, geometry.sector_size, geometry.read_only
        self._most = self._largest_request()
        self._most_discarded = session.config(MOST_DISCARDED)[0] if session.has(DISCARD) else 0
        self._ring = session.ring(0, CHAIN * SLOTS * 2, least=4)
        self._slots = min(SLOTS, self._ring.size // CHAIN)
        self._address, self._memory = memory.dma(self._slots * SLOT // PAGE)
        self._under_way: dict[int, Request] = {}
        self._free = list(range(self._slots))
        self._waiting: deque[asyncio.Future[None]] = deque()  # for a slot, or for cancelled writes to end
        self._poller = poller
        self._source = source
        self._loop = asyncio.get_running_loop()
        for slot in range(self._slots):
            self._describe(slot)
        self._ring.listen()
        poller.register(source, self._interrupt)
        session.start()

    def _shape(self) -> Geometry:
        session = self._session
        (capacity,) = session.config(CAPACITY)
        size = session.config(BLOCK_SIZE)[0] if session.has(BLK_SIZE) else UNIT
        if size not in SECTOR_SIZES:
            raise session.fail(f"sectors of {size} octets, where {', '.join(map(str, SECTOR_SIZES))} are possible")
        if capacity * UNIT >= 1 << 63:
            raise session.fail(f"{capacity} sectors are more than any disk has")
        return Geometry(capacity * UNIT // size, size, session.has(RO))

    def _largest_request(self) -> int:
        """Return how many octets a request may have."""
        session, size = self._session, self._geometry.sector_size
        most = min(DATA, session.config(LARGEST)[0]) if session.has(SIZE_MAX) else DATA
        if most < size:
            raise session.fail(f"pieces of {most} octets at most, and a sector has {size}")
        return most // size * size

    def _describe(self, slot: int) -> None:
        """Write what is the same for all requests in a slot."""
        rest = self._address + slot * SLOT + DATA
        first = CHAIN * slot
        self._ring.describe(first, rest, REQUEST.size, follow=first + 1)
        self._ring.describe(first + 2, rest + STATUS, 1, writable=True)

    # What is asked of it.

    async def read(self, sector: int, count: int) -> bytes:
        self._session.check_open()
        start, end = self._geometry.span(sector, count)
        return b"".join(await self._transfer(READ, start, end, lambda _view, _start: None))

    async def write(self, sector: int, data: Buffer) -> None:
        self._session.check_open()
        octets = octets_of(data)
        start, end = self._geometry.writable_span(sector, len(octets))

        def fill(view: memoryview, place: int) -> None:
            view[:] = octets[place - start : place - start + len(view)]

        await self._transfer(WRITE, start, end, fill)

    async def flush(self) -> None:
        self._session.check_open()
        if self._session.has(FLUSH) and not self.read_only:
            await self._transfer(FLUSHING, 0, 0, lambda _view, _start: None)

    async def discard(self, sector: int, count: int) -> None:
        self._session.check_open()
        start, end = self._geometry.writable_span(sector, count * self.sector_size)
        step = self._most_discarded * UNIT // self.sector_size * self.sector_size
        while step and start < end:
            stop = min(end, start + step)
            await self._transfer(DISCARDING, start, stop, lambda _view, _start: None)
            start = stop

    async def close(self) -> None:
        """Reset the device: what is under way fails."""
        session = self._session
        if session.closed:
            return
        session.close()
        self._poller.unregister(self._source)
        self._fail_all(DeviceError(f"{session.name}: the device was closed meanwhile"))

    # Requests.

    async def _transfer(self, kind: int, start: int, end: int, fill: Callable[[memoryview, int], None]) -> list[bytes]:
        """Ask for octets `start` to `end`, in as many requests as it takes; return what each has brought."""
        pieces: list[asyncio.Future[bytes]] = []
        try:
            place = start
            while place < end or (kind == FLUSHING and not pieces):
                stop = end if kind == DISCARDING else min(end, place + self._most)
                slot = await self._slot()
                pieces.append(self._ask(slot, kind, place, stop, fill))
                place = stop
            return [await pieces[0]] if len(pieces) == 1 else await asyncio.gather(*pieces)
        except BaseException:
            for piece in pieces:
                piece.cancel()
            raise

    async def _slot(self) -> int:
        """Wait for a slot, and for writes that nobody waits for any more: a later one must not overtake them."""
        while True:
            if self._session.failure is not None:
                raise self._session.failure
            self._session.check_open()
            abandoned = any(each.kind != READ and each.done.cancelled() for each in self._under_way.values())
            if self._free and not abandoned:
                return self._free.pop()
            change: asyncio.Future[None] = self._loop.create_future()
            self._waiting.append(change)
            await change

    def _ask(
        self, slot: int, kind: int, start: int, end: int, fill: Callable[[memoryview, int], None]
    ) -> asyncio.Future[bytes]:
        """Send a request; the future has what was read."""
        base, first, octets = slot * SLOT, CHAIN * slot, end - start
        rest = base + DATA
        sector = start // UNIT
        if kind == DISCARDING:
            RANGE.pack_into(self._memory, base, sector, octets // UNIT, 0)
            sector, octets = 0, RANGE.size
        elif kind == WRITE:
            fill(self._memory[base : base + octets], start)
        REQUEST.pack_into(self._memory, rest, kind, 0, sector)
        self._memory[rest + STATUS] = UNANSWERED
        if octets:
            self._ring.describe(first + 1, self._address + base, octets, writable=kind == READ, follow=first + 2)
        # Without data the request leads straight to the status.
        address = self._address + rest
        self._ring.describe(first, address, REQUEST.size, follow=first + 1 if octets else first + 2)
        self._ring.offer(first, (octets if kind == READ else 0) + 1)
        done: asyncio.Future[bytes] = self._loop.create_future()
        self._under_way[slot] = Request(kind, octets, done)
        self._session.publish(0, self._ring)
        return done

    def _interrupt(self) -> None:
        self._session.transport.acknowledge()
        if self._session.failure is not None:
            return
        try:
            for _ in range(self._ring.size):  # bounded: a device could play with its index
                for _ in range(self._ring.waiting()):
                    self._settle(*self._ring.take())
                if not self._ring.listen():
                    break
        except DeviceError as error:
            self._session.fail(error)
            self._fail_all(error)
        self._wake()

    def _settle(self, head: int, written: int) -> None:
        """Tell whoever waits for it how a request has ended."""
        slot = head // CHAIN
        request = self._under_way.pop(slot)
        status = self._memory[slot * SLOT + DATA + STATUS]
        self._free.append(slot)
        if request.done.done():
            return
        if status != OK:
            why = STATUSES.get(status, f"status {status}, which means nothing")
            request.done.set_exception(DeviceError(f"{self._session.name}: {why}"))
        elif request.kind == READ:
            if written != request.octets + 1:
                why = f"{written - 1} octets were read, of {request.octets}"
                request.done.set_exception(DeviceError(f"{self._session.name}: {why}"))
            else:
                self._hand_over(request, slot * SLOT)
        else:
            request.done.set_result(b"")

    def _hand_over(self, request: Request, start: int) -> None:
        """Give what was read, from `start` in memory, to who waits for it."""
        try:
            request.done.set_result(bytes(self._memory[start : start + request.octets]))
        except MemoryError as error:  # it is the reader's, not the interrupt's
            request.done.set_exception(error)

    def _fail_all(self, error: DeviceError) -> None:
        for request in self._under_way.values():
            if not request.done.done():
                request.done.set_exception(error)
        self._under_way.clear()
        self._wake()

    def _wake(self) -> None:
        """Let all look again who wait: there are few, and each may wait for something else."""
        waiting, self._waiting = self._waiting, deque()
        for change in waiting:
            if not change.done():
                change.set_result(None)
