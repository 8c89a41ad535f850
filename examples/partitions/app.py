"""Two partitions of one disk: each is a disk of its own."""

from fata.device import Block, Console


class Partitions:
    """Fill the first partition, and show that the second has not changed.

    Keys:
        octet: number that the first partition is filled with
    """

    def __init__(self, first: Block, second: Block, console: Console, *, octet: int = 65) -> None:
        self.first = first
        self.second = second
        self.console = console
        self.octet = octet

    async def run(self) -> None:
        """Say how large they are, write to one and look at both."""
        for name, disk in (("first", self.first), ("second", self.second)):
            self.console.write(f"{name}: {disk.sectors} sectors of {disk.sector_size} octets\n")
        before = await self.second.read(0, self.second.sectors)
        for sector in range(self.first.sectors):
            await self.first.write(sector, bytes([self.octet]) * self.first.sector_size)
        await self.first.flush()
        filled = await self.first.read(0, self.first.sectors)
        self.console.write(f"first: {filled.count(self.octet)} of {len(filled)} octets are {self.octet}\n")
        same = await self.second.read(0, self.second.sectors) == before
        self.console.write(f"second: {'as before' if same else 'has changed'}\n")
        if not same:
            raise SystemExit(1)
