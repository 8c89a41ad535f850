"""A disk that fails where it is told to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from random import Random

from fata.driver.block.over import OverBlock
from fata.errors import DeviceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.device.block import Block, Buffer


class Fault(Enum):
    """What befalls one call. Only the first two and the last are told to the caller: the rest are lies of a disk."""

    ERROR = "error"  # nothing happens, and the call fails
    TORN = "torn"  # the first half of a write's sectors arrives, and the call fails
    LOST = "lost"  # a write, discard or flush returns, and nothing has happened
    MISDIRECTED = "misdirected"  # a write goes to the sector behind (the last one: before) the right place
    CORRUPT = "corrupt"  # one bit of what is read or written is inverted
    CUT = "cut"  # power fails, see `FaultyBlock.cut`


class FaultyBlock(OverBlock):
    """A Block whose calls fail as planned: `faults` maps the number of a call, from 1 on, to what befalls it.

    A function in its place gets the number and the name of the method. Reads, writes, flushes and discards count;
    `calls` is how many there have been. Writes stay in memory until they are flushed, as in the cache of a disk, so
    that power can be cut: which unflushed sectors survive, and which bit is inverted, comes from `seed`.
    """

    def __init__(
        self,
        block: Block,
        faults: Mapping[int, Fault] | Callable[[int, str], Fault | None] = {},  # noqa: B006  # never changed
        *,
        seed: int = 0,
    ) -> None:
        super().__init__(block)
        self.calls = 0
        self.powered = True
        self._fault = faults if callable(faults) else lambda number, _name: faults.get(number)
        self._random = Random(seed)
        self._volatile: dict[int, bytes] = {}

    async def cut(self) -> None:
        """Cut the power: each unflushed sector is lost or not, and every call fails until `power_on`."""
        survivors = {at: octets for at, octets in self._volatile.items() if self._random.random() < 0.5}
        self._volatile.clear()
        self.powered = False
        for at, octets in survivors.items():
            await self._block.write(at, octets)
        await self._block.flush()

    def power_on(self) -> None:
        """Let calls work again."""
        self.powered = True

    async def read(self, sector: int, count: int) -> bytes:
        self._check_read(sector, count)
        fault = await self._next("read")
        held = self._held(sector, count)  # before and after: a flush may pass it on while the disk reads
        data = await self._block.read(sector, count)
        held |= self._held(sector, count)
        if held:
            size = self.sector_size
            parts = [held.get(sector + at // size) or data[at : at + size] for at in range(0, len(data), size)]
            data = b"".join(parts)
        return self._corrupted(data) if fault is Fault.CORRUPT else data

    async def write(self, sector: int, data: Buffer) -> None:
        octets = bytes(self._check_write(sector, data))
        count = len(octets) // self.sector_size
        match await self._next("write"):
            case Fault.TORN:
                self._hold(sector, octets[: count // 2 * self.sector_size])
                raise DeviceError(f"write of {count} sectors from {sector} on: torn, as planned")
            case Fault.LOST:
                return
            case Fault.MISDIRECTED:
                sector = sector + 1 if sector + count < self.sectors else max(sector - 1, 0)
            case Fault.CORRUPT:
                octets = self._corrupted(octets)
        self._hold(sector, octets)

    async def flush(self) -> None:
        self._check_open()
        if await self._next("flush") is Fault.LOST:
            return
        for at, octets in sorted(self._volatile.items()):
            await self._block.write(at, octets)
            if self._volatile.get(at) is octets:
                del self._volatile[at]
        await self._block.flush()

    async def discard(self, sector: int, count: int) -> None:
        self._check_discard(sector, count)
        if await self._next("discard") is not Fault.LOST:
            zeros = bytes(self.sector_size)
            self._volatile.update(dict.fromkeys(range(sector, sector + count), zeros))

    async def _next(self, name: str) -> Fault | None:
        """Count a call, and let it fail if that is all that befalls it."""
        self.calls += 1
        fault = self._fault(self.calls, name)
        if fault is Fault.CUT and self.powered:
            await self.cut()
        if not self.powered:
            raise DeviceError(f"call {self.calls}, {name}: the disk has no power")
        if fault is Fault.ERROR or (fault is Fault.TORN and name != "write"):
            raise DeviceError(f"call {self.calls}, {name}: fails, as planned")
        return fault

    def _held(self, sector: int, count: int) -> dict[int, bytes]:
        volatile = self._volatile
        return {at: volatile[at] for at in range(sector, sector + count) if at in volatile} if volatile else {}

    def _hold(self, sector: int, octets: bytes) -> None:
        size = self.sector_size
        for at in range(0, len(octets), size):
            self._volatile[sector + at // size] = octets[at : at + size]

    def _corrupted(self, octets: bytes) -> bytes:
        if not octets:
            return octets
        bit = self._random.randrange(len(octets) * 8)
        spoiled = bytearray(octets)
        spoiled[bit // 8] ^= 1 << bit % 8
        return bytes(spoiled)
