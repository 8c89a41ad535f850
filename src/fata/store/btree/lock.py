"""A lock for tasks that does not need an event loop until somebody has to wait.

asyncio's would do, but importing asyncio costs a small unikernel more than the whole store does.
"""

from __future__ import annotations

from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Future


class Lock:
    """Held by one task at a time, in the order in which they came. `async with lock:`"""

    def __init__(self) -> None:
        self.held = False
        self._waiting: deque[Future[None]] = deque()

    async def __aenter__(self) -> None:
        if not self.held:
            self.held = True
            return
        await self._wait()

    async def _wait(self) -> None:
        from asyncio import get_running_loop

        turn = get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self.release()  # it was our turn already: the next one's
            raise

    async def __aexit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Hand the lock to whoever has waited longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.held = False
