"""Two clerks at two desks, working side by side and sharing one console."""

import asyncio

from fata.device import Console, KvRw


class Clerk:
    """File numbered notes in a ledger, then count them.

    Keys:
        desk: the clerk's name
        notes: how many notes to file
    """

    def __init__(self, ledger: KvRw, console: Console, *, desk: str, notes: int = 2) -> None:
        self.ledger = ledger
        self.console = console
        self.desk = desk
        self.notes = notes

    async def run(self) -> None:
        """File the notes, giving way to the other clerk after each."""
        for number in range(self.notes):
            await self.ledger.set(f"notes/{number}", f"note {number} by {self.desk}".encode())
            self.console.write(f"{self.desk}: filed note {number}\n")
            await asyncio.sleep(0)
        filed = await self.ledger.list("notes") if self.notes else []
        self.console.write(f"{self.desk}: {len(filed)} notes in the ledger\n")
