"""Who may use a volume when: many readers, or one who changes it. First come, first served."""

from __future__ import annotations

from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Future


class Gate:
    """Without a contender, entering and leaving is counting, and needs no event loop.

    Who enters must leave, once. Entering may be cancelled; then nothing has been entered.
    """

    __slots__ = ("_readers", "_waiting", "_writing")

    def __init__(self) -> None:
        self._readers = 0
        self._writing = False
        self._waiting: deque[tuple[bool, Future[None]]] = deque()

    async def enter_shared(self) -> None:
        """Come in beside other readers."""
        if self._writing or self._waiting:
            await self._wait(False)
        else:
            self._readers += 1

    def leave_shared(self) -> None:
        """Go out again."""
        self._readers -= 1
        self._admit()

    async def enter_alone(self) -> None:
        """Come in when nobody else is inside."""
        if self._writing or self._readers or self._waiting:
            await self._wait(True)
        else:
            self._writing = True

    def leave_alone(self) -> None:
        """Go out again."""
        self._writing = False
        self._admit()

    async def _wait(self, alone: bool) -> None:
        from asyncio import get_running_loop  # whoever has to wait has a loop; others need not load it

        admitted: Future[None] = get_running_loop().create_future()
        self._waiting.append((alone, admitted))
        try:
            await admitted
        except BaseException:
            if admitted.done() and not admitted.cancelled():  # admitted and cancelled in the same turn: go out again
                self.leave_alone() if alone else self.leave_shared()
            else:
                self._waiting.remove((alone, admitted))
                self._admit()
            raise

    def _admit(self) -> None:
        """Let in whoever is next; a newcomer cannot come in between, since what it asks is counted here."""
        while self._waiting and not self._writing:
            alone, admitted = self._waiting[0]
            if alone and self._readers:
                return
            self._waiting.popleft()
            if alone:
                self._writing = True
            else:
                self._readers += 1
            if admitted.cancelled():  # its task has not run yet; it will not go out
                self.leave_alone() if alone else self.leave_shared()
            else:
                admitted.set_result(None)
