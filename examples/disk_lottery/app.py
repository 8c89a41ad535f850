"""A lottery whose tickets lie on a disk, one in each sector, each with its checksum.

octet  0  "LOTTERY1"          a ticket is a whole sector, so that a power cut leaves the old one or the new one;
       8  slot, 4             whoever damages it, or moves it to another sector, has lost it
      12  draws so far, 4
      16  wins so far, 4
      20  CRC-32 of all before, 4
"""

from struct import Struct
from typing import NamedTuple
from zlib import crc32

from fata.device import Block, Console, Entropy

TICKET = Struct("<8sIIII")
MAGIC = b"LOTTERY1"
SIDES = 6  # of the die; a six wins


class Ticket(NamedTuple):
    """How often somebody has played, and won."""

    slot: int
    draws: int = 0
    wins: int = 0


def parse(sector: bytes, slot: int) -> Ticket | None:
    """Read the ticket of a slot; None if there is none, or it is damaged, or another slot's."""
    magic, own, draws, wins, checksum = TICKET.unpack_from(sector)
    if magic != MAGIC or own != slot or crc32(sector[: TICKET.size - 4]) != checksum:
        return None
    return Ticket(own, draws, wins)


def serialize(ticket: Ticket, sector_size: int) -> bytes:
    """Return a ticket's sector."""
    octets = TICKET.pack(MAGIC, *ticket, 0)[:-4]
    return (octets + crc32(octets).to_bytes(4, "little")).ljust(sector_size, b"\0")


class Lottery:
    """Buy a ticket, or play with one.

    Keys:
        slot: sector of the ticket
        reset: put a new ticket there instead of playing
        reset-all: put a new ticket into every sector
    """

    def __init__(
        self,
        disk: Block,
        entropy: Entropy,
        console: Console,
        *,
        slot: int = 0,
        reset: bool = False,
        reset_all: bool = False,
    ) -> None:
        self.disk = disk
        self.entropy = entropy
        self.console = console
        self.slot = slot
        self.reset = reset
        self.reset_all = reset_all

    async def run(self) -> None:
        """Do what was asked; exit with status 1 if the ticket is not valid."""
        if not 0 <= self.slot < self.disk.sectors:
            self.console.write(f"there is no slot {self.slot}, the last one is {self.disk.sectors - 1}\n")
            raise SystemExit(1)
        if self.reset or self.reset_all:
            slots = range(self.disk.sectors) if self.reset_all else [self.slot]
            for slot in slots:
                await self.store(Ticket(slot))
            await self.disk.flush()
            self.console.write(f"new tickets: {len(slots)}\n")
            return
        await self.play()

    async def play(self) -> None:
        """Throw the die. The ticket is durable before anybody hears of it."""
        ticket = parse(await self.disk.read(self.slot, 1), self.slot)
        if ticket is None:
            self.console.write(f"slot {self.slot} holds no valid ticket: --reset makes a new one\n")
            raise SystemExit(1)
        throw = int.from_bytes(self.entropy.octets(8)) % SIDES + 1
        ticket = Ticket(self.slot, ticket.draws + 1, ticket.wins + (throw == SIDES))
        await self.store(ticket)
        await self.disk.flush()
        said = "you win!" if throw == SIDES else "you lose."
        self.console.write(f"slot {ticket.slot}: {throw}, {said} {ticket.wins} of {ticket.draws}\n")

    async def store(self, ticket: Ticket) -> None:
        """Write a ticket into its sector."""
        await self.disk.write(ticket.slot, serialize(ticket, self.disk.sector_size))
