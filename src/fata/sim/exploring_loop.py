"""An event loop in which somebody else decides what happens next.

Callbacks that are ready run in asyncio's order, as they would in production. What production leaves open
is when a device answers: here every answer is a *pause*, and once nothing else can run, whoever explores
chooses the pause that ends. Locks, queues, groups and time-outs are asyncio's own and work as ever.
"""

from __future__ import annotations

import asyncio
import heapq
from asyncio import events
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import Any, NamedTuple, TypeVar

from fata.errors import StateError

T = TypeVar("T")


class Pause(NamedTuple):
    """A task that waits for a device, until `ended` is given a result."""

    label: str
    task: asyncio.Task[Any] | None
    ended: asyncio.Future[None]


class Deadlock(StateError):
    """Tasks are left, and nothing that could wake them."""


class ExploringLoop(asyncio.AbstractEventLoop):
    """Runs tasks until only pauses are left. Time is virtual: it passes when nothing else can happen.

    Sockets, threads and subprocesses have no place here: asking for one is a NotImplementedError.
    """

    def __init__(self) -> None:
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._timers_made = 0
        self._now = 0.0
        self._pauses: list[Pause] = []
        self.problems: list[dict[str, Any]] = []  # what asyncio would have logged

    async def pause(self, label: str) -> None:
        """Wait for as long as the explorer likes."""
        ended = self.create_future()
        self._pauses.append(Pause(label, asyncio.current_task(self), ended))
        await ended

    def pauses(self) -> list[Pause]:
        """Return the pauses that can end, oldest first."""
        self._pauses = [pause for pause in self._pauses if not pause.ended.done()]
        return self._pauses

    def settle(self) -> None:
        """Run until nothing is left but pauses and the passing of time."""
        while self._ready:
            handle = self._ready.popleft()
            if not handle.cancelled():
                handle._run()

    def let_time_pass(self) -> bool:
        """Go on to the next timer; False when there is none."""
        while self._timers:
            moment, _, handle = heapq.heappop(self._timers)
            if not handle.cancelled():
                self._now = max(self._now, moment)
                self._ready.append(handle)
                return True
        return False

    def run_through(self, work: Awaitable[T]) -> T:
        """Run to the end with every pause ending at once, oldest first."""
        task = asyncio.ensure_future(work, loop=self)
        self.settle()
        while not task.done():
            if pauses := self.pauses():
                pauses[0].ended.set_result(None)
            elif not self.let_time_pass():
                raise Deadlock("nothing is left that could wake the task")
            self.settle()
        return task.result()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Be the running loop; on the way out cancel what is left."""
        outer = events._get_running_loop()
        events._set_running_loop(self)
        try:
            yield
            for task in asyncio.all_tasks(self):
                task.cancel()
                self.run_through(asyncio.wait([task]))
        finally:
            events._set_running_loop(outer)

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Coroutine[Any, Any, T],  # type: ignore[override]  # typeshed allows generators as well
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[T]:
        return asyncio.Task(coro, loop=self, name=name, context=context)

    def call_soon(
        self, callback: Callable[..., object], *args: object, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: object, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: object, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._timers_made += 1
        heapq.heappush(self._timers, (when, self._timers_made, handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """asyncio tells its loop; here a cancelled timer is dropped when its moment comes."""

    def time(self) -> float:
        return self._now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.problems.append(context)


async def pause(label: str = "pause") -> None:
    """Suspend once: for as long as an explorer likes if one runs, else for one turn of the loop."""
    loop = events._get_running_loop()
    if isinstance(loop, ExploringLoop):
        await loop.pause(label)
    else:
        await asyncio.sleep(0)
