"""A gate that many writers pass at once, and that one collector closes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


class Gate:
    """Writers call `enter` (only if `closed`) and `leave`; `exclusive` waits until none is inside and keeps all out."""

    def __init__(self) -> None:
        self.inside = 0
        self.closed = False
        self._waiting: list[asyncio.Future[None]] = []

    async def enter(self) -> None:
        """Pass, as soon as the gate is open."""
        while self.closed:
            await self._wait()
        self.inside += 1

    def leave(self) -> None:
        """Go out again."""
        self.inside -= 1
        if self.closed:
            self._wake()

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Be alone inside."""
        while self.closed:
            await self._wait()
        self.closed = True
        try:
            while self.inside:
                await self._wait()
            yield
        finally:
            self.closed = False
            self._wake()

    async def _wait(self) -> None:
        import asyncio

        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        await waiter

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)
