"""Changes a store round after round, flushes it, and writes into the disk's last sector which round that was.

So the promise stands in the log of the disk itself, between what came before and what came after it.
"""

import asyncio

from fata.device import Block, Console, KvRw

SAME, LONG = 5, 700  # keys that are written again and again; octets of a value, more or less


def changes(round_: int) -> dict[str, bytes | None]:
    """Return what a round, counted from 1, does to keys; None removes."""
    value = b"%d " % round_ * (LONG * (round_ % 3 + 1) // 3)
    made: dict[str, bytes | None] = {f"again/{round_ % SAME}": value, f"round {round_}": b"%d" % round_}
    if round_ > 3:
        made[f"round {round_ - 3}"] = None
    return made


class KvJournal:
    """Keep a journal in a store.

    Keys:
        rounds: how many
    """

    def __init__(self, store: KvRw, disk: Block, console: Console, *, rounds: int = 12) -> None:
        self.store = store
        self.disk = disk
        self.console = console
        self.rounds = rounds

    async def run(self) -> None:
        """Do all rounds, then wait for the power cut."""
        for round_ in range(1, self.rounds + 1):
            for key, value in changes(round_).items():
                await (self.store.remove(key) if value is None else self.store.set(key, value))
            await self.store.flush()
            await self.disk.write(self.disk.sectors - 1, round_.to_bytes(self.disk.sector_size))
            self.console.write(f"flushed {round_}\n")
        await asyncio.Event().wait()
