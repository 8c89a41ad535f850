"""Writes to a disk, reads it back, and shows what a disk refuses."""

from collections.abc import Awaitable

from fata.device import Block, Console
from fata.errors import DeviceError, StateError


class DiskCheck:
    """Write a pattern to every sector, flush it, read it back, then make every mistake there is.

    Keys:
        seed: number that the pattern begins with
    """

    def __init__(self, disk: Block, console: Console, *, seed: int = 0) -> None:
        self.disk = disk
        self.console = console
        self.seed = seed

    async def run(self) -> None:
        """Check the disk; exit with status 1 if it does not hold what was written."""
        disk = self.disk
        mode = "read-only" if disk.read_only else "writable"
        self.console.write(f"disk: {disk.sectors} sectors of {disk.sector_size} octets, {mode}\n")
        if not disk.read_only:
            await self.write_and_verify()
        size = disk.sector_size
        await self.refused("read beyond the end", disk.read(disk.sectors, 1))
        await self.refused("write beyond the end", disk.write(disk.sectors, bytes(size)))
        await self.refused("write half a sector", disk.write(0, bytes(size // 2)))
        if disk.read_only:
            await self.refused("write to a read-only disk", disk.write(0, bytes(size)))

    async def write_and_verify(self) -> None:
        """Fill the disk and compare."""
        for sector in range(self.disk.sectors):
            await self.disk.write(sector, self.pattern(sector))
        self.console.write(f"write: {self.disk.sectors} sectors\n")
        await self.disk.flush()
        self.console.write("flush: they survive a power cut\n")
        wrong = 0
        for sector in range(self.disk.sectors):
            wrong += await self.disk.read(sector, 1) != self.pattern(sector)
        self.console.write(f"read back: {wrong} of {self.disk.sectors} sectors differ\n")
        if wrong:
            raise SystemExit(1)

    def pattern(self, sector: int) -> bytes:
        """Return octets that no other sector has."""
        return (self.seed + sector).to_bytes(8) * (self.disk.sector_size // 8)

    async def refused(self, what: str, operation: Awaitable[object]) -> None:
        """Await what the disk must refuse, and print how it says so."""
        try:
            await operation
        except (StateError, DeviceError) as error:
            self.console.write(f"{what}: {type(error).__name__}: {error}\n")
        else:
            self.console.write(f"{what}: was accepted\n")
            raise SystemExit(1)
