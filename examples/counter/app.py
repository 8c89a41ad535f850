"""Counts its own starts, on a disk: not even a power cut makes it count wrong."""

from fata.device import Console, KvTx
from fata.device.kv import NotFound


class Counter:
    """Count up, and say how far.

    Keys:
        steps: how often to count up in one run
    """

    def __init__(self, store: KvTx, console: Console, *, steps: int = 1) -> None:
        self.store = store
        self.console = console
        self.steps = steps

    async def run(self) -> None:
        """Count; each step is durable before it is told."""
        for _ in range(self.steps):
            self.console.write(f"this is start {await self.count()}\n")

    async def count(self) -> int:
        """Add 1 to the number on the disk, and return it."""
        while True:
            try:
                old = await self.store.get("starts")
            except NotFound:
                old = None
            new = int(old or b"0") + 1
            if await self.store.test_and_set("starts", old, b"%d" % new):
                await self.store.flush()
                return new
