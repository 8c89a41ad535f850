"""The log: a ring of sectors in which a commit is durable after one write and one flush.

Positions count sectors since the store was formatted; sector p lies at p modulo the ring's length. What has
been appended is *pending* until a round seals it into a record; a sealed record keeps its place and its octets,
so that writing it again after a cancelled attempt is harmless.
"""

from __future__ import annotations

from collections import deque

from fata.disk.btree.corrupt import Corrupt
from fata.disk.btree.record import (
    HEADER_SIZE,
    is_whole,
    parse_groups,
    parse_header,
    record_sectors,
    serialize_record,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.device.block import Block
    from fata.disk.btree.superblock import Superblock


class Log:
    """The ring of one store."""

    def __init__(self, block: Block, superblock: Superblock) -> None:
        self._block = block
        self.sector_size = superblock.log_sector
        self._ratio = superblock.log_sector // block.sector_size
        self._first = superblock.log_start * superblock.node_size // superblock.log_sector
        self.capacity = superblock.log_pages * superblock.node_size // superblock.log_sector  # sectors
        self.tag = superblock.tag
        self.tail = superblock.log_tail
        self.head = superblock.log_tail  # where the next record goes
        self.incarnation = superblock.incarnation
        self.previous = superblock.log_previous  # CRC of the record before the head
        self.befores: deque[tuple[int, int]] = deque()  # of each record from the tail on: position, CRC before it
        self._pending: list[bytes] = []
        self._pending_octets = 0
        self._sealed: deque[tuple[int, bytes, int]] = deque()  # position, octets, ticket; not durable yet
        self._written = 0  # how many of those the block has been given since the last flush
        self.ticket = 0  # of the last group appended
        self.written_ticket = 0
        self.durable_ticket = 0

    @property
    def used(self) -> int:
        """Sectors between tail and head."""
        return self.head - self.tail

    @property
    def pending_octets(self) -> int:
        """Octets of groups that no record holds yet."""
        return self._pending_octets

    def fits(self, octets: int) -> bool:
        """Say whether a group of so many octets has room, behind everything that is pending."""
        return self.used + record_sectors(self._pending_octets + octets, self.sector_size) <= self.capacity

    def append(self, group: bytes) -> int:
        """Add a transaction; return its ticket."""
        self._pending.append(group)
        self._pending_octets += len(group)
        self.ticket += 1
        return self.ticket

    def seal(self) -> None:
        """Make a record of what is pending."""
        if not self._pending:
            return
        record, crc = serialize_record(
            self.tag, self.head, self.incarnation, self.previous, self._pending, self.sector_size
        )
        self._sealed.append((self.head, record, self.ticket))
        self.befores.append((self.head, self.previous))
        self.head += len(record) // self.sector_size
        self.previous = crc
        self._pending = []
        self._pending_octets = 0

    async def write(self) -> None:
        """Give the block every record that it does not have yet."""
        self.seal()
        while self._written < len(self._sealed):
            position, record, ticket = self._sealed[self._written]
            await self._write_at(position, record)
            self._written += 1
            self.written_ticket = max(self.written_ticket, ticket)

    async def _write_at(self, position: int, record: bytes) -> None:
        start = position % self.capacity
        fit = (self.capacity - start) * self.sector_size
        await self._block.write((self._first + start) * self._ratio, record[:fit])
        if len(record) > fit:
            await self._block.write(self._first * self._ratio, record[fit:])

    def flushing(self) -> int:
        """Return how many records a flush that begins now makes durable."""
        return self._written

    def flushed(self, count: int) -> None:
        """Note that a flush has returned; `count` is what `flushing` said when it began."""
        for _ in range(count):
            self.durable_ticket = self._sealed.popleft()[2]
        self._written -= count

    def before(self, position: int) -> int:
        """Return the CRC of the record before the one at `position`."""
        if position == self.head:
            return self.previous
        return next(crc for place, crc in self.befores if place == position)

    def trim(self, tail: int) -> None:
        """Forget what lies before `tail`."""
        self.tail = tail
        while self.befores and self.befores[0][0] < tail:
            self.befores.popleft()

    async def replay(self, reach: int) -> dict[bytes, bytes | None]:
        """Read the log from its tail; return the last change to each key. The head is then behind the last record.

        A log that ends before `reach` has lost records that the tree builds upon: `Corrupt`.
        """
        changes: dict[bytes, bytes | None] = {}
        incarnation = 0
        while self.head - self.tail < self.capacity:
            data = await self._read_at(self.head, 1)
            header = parse_header(data)
            sectors = record_sectors(header.length, self.sector_size)
            if (
                (header.tag, header.position, header.previous) != (self.tag, self.head, self.previous)
                or not incarnation <= header.incarnation <= self.incarnation
                or not header.length
                or self.head + sectors - self.tail > self.capacity
            ):
                break
            if sectors > 1:
                data += await self._read_at(self.head + 1, sectors - 1)
            if not is_whole(data, header):
                break
            parse_groups(data[HEADER_SIZE : HEADER_SIZE + header.length], self.head, changes)
            self.befores.append((self.head, self.previous))
            self.head += sectors
            self.previous, incarnation = header.crc, header.incarnation
        if self.head < reach:
            raise Corrupt("log record", self.head, f"missing, though the tree builds upon the log up to {reach}")
        return changes

    async def _read_at(self, position: int, sectors: int) -> bytes:
        start = position % self.capacity
        fit = min(sectors, self.capacity - start)
        data = await self._block.read((self._first + start) * self._ratio, fit * self._ratio)
        if sectors > fit:
            data += await self._block.read(self._first * self._ratio, (sectors - fit) * self._ratio)
        return data
