"""The poller of a simulation: waiting takes no time, it makes time pass."""

from __future__ import annotations

import heapq
import math
from contextlib import contextmanager
from threading import Condition
from typing import TYPE_CHECKING

from fata.device.poller import Software, Source
from fata.driver.clock.virtual import VirtualClock
from fata.errors import DeviceError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Event:
    """Something that a simulated device will do at `moment`, unless it is cancelled first."""

    __slots__ = ("action", "cancelled", "moment", "number")

    def __init__(self, moment: float, number: int, action: Callable[[], object]) -> None:
        self.moment = moment
        self.number = number  # events of one moment happen in the order of their scheduling
        self.action = action
        self.cancelled = False

    def cancel(self) -> None:
        """Let it not happen. Without effect once it has."""
        self.cancelled = True

    def __lt__(self, other: Event) -> bool:
        return (self.moment, self.number) < (other.moment, other.number)


class VirtualPoller:
    """Watches software sources, and jumps `clock` to the next event or deadline when nothing is raised.

    Equal programs with equal events run equally, whatever the machine does meanwhile. The exception is
    work outside the simulation, in a thread: time stands still as long as somebody holds it, so it waits in
    vain who waits in a thread for virtual time to pass.
    """

    def __init__(self, clock: VirtualClock | None = None) -> None:
        self.clock = VirtualClock() if clock is None else clock
        self._software: dict[Software, Callable[[], None]] = {}
        self._raised: dict[Software, None] = {}  # a set that keeps the order
        self._events: list[Event] = []  # a heap
        self._numbers = 0
        self._holds = 0
        self._closed = False
        self._changed = Condition()  # guards _raised and _holds, which threads may change

    def schedule(self, moment: float, action: Callable[[], object]) -> Event:
        """Have `wait` call `action` at `moment` on the clock; at its next call if that has passed."""
        self._numbers += 1
        event = Event(moment, self._numbers, action)
        heapq.heappush(self._events, event)
        return event

    def register(self, source: Source, callback: Callable[[], None]) -> None:
        """Watch a software source. Any other is a `DeviceError`: descriptors do not live in virtual time."""
        self._check_open()
        if not isinstance(source, Software):
            raise DeviceError(f"{source}: virtual time knows software sources only")
        if source in self._software:
            raise StateError(f"{source} is registered already")
        self._software[source] = callback

    def unregister(self, source: Source) -> None:
        """Forget `source`."""
        if not isinstance(source, Software) or source not in self._software:
            raise StateError(f"{source} is not registered")
        with self._changed:
            del self._software[source]
            self._raised.pop(source, None)

    def wait(self, deadline: float | None) -> int:
        """Let time pass until a source is raised or the deadline comes; events that come first happen.

        Raises `StateError` when nothing ever will: no event, no deadline, nobody outside.
        """
        self._check_open()
        limit = math.inf if deadline is None else deadline
        while True:
            self._happen()
            if self._raised:
                return self._call_raised()
            if limit <= self.clock.monotonic():
                return 0
            if self._stand_still():
                continue
            moment = min(limit, self._next_moment())
            if moment == math.inf:
                waiting = ", ".join(source.label for source in self._software) or "nobody"
                raise StateError(
                    f"deadlock at {self.clock.monotonic()} s of virtual time: nothing is scheduled, and {waiting} "
                    "waits for ever (work in a thread that will end this belongs inside `held`)"
                )
            self.clock.advance_to(max(moment, self.clock.monotonic()))

    def _next_moment(self) -> float:
        while self._events and self._events[0].cancelled:
            heapq.heappop(self._events)
        return self._events[0].moment if self._events else math.inf

    def _happen(self) -> None:
        """Let every event happen whose moment has come, also those that they schedule for now."""
        while self._next_moment() <= self.clock.monotonic():
            heapq.heappop(self._events).action()

    def _call_raised(self) -> int:
        called = 0
        for source in tuple(self._raised):
            if self._take(source):
                self._software[source]()
                called += 1
        return called

    def _take(self, source: Software) -> bool:
        """Withdraw a raised source before its call, so that a later `wake` is news; False if that was done."""
        with self._changed:
            return self._raised.pop(source, self) is None

    def _stand_still(self) -> bool:
        """Wait, in real time, while somebody holds the virtual one and raises nothing; say whether we did."""
        with self._changed:
            if not self._holds:
                return False
            self._changed.wait_for(lambda: self._raised or not self._holds)
            return True

    def wake(self, source: Software) -> None:
        """Raise `source`, from any thread or signal handler."""
        with self._changed:
            if source in self._software:
                self._raised[source] = None
                self._changed.notify_all()

    def hold(self) -> None:
        """Let time stand still: work outside the simulation is under way. As often as `release`."""
        with self._changed:
            self._holds += 1

    def release(self) -> None:
        """Say that the work which `hold` announced is over."""
        with self._changed:
            if not self._holds:
                raise StateError("virtual time is released more often than held")
            self._holds -= 1
            self._changed.notify_all()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold time inside a block."""
        self.hold()
        try:
            yield
        finally:
            self.release()

    def monotonic(self) -> float:
        """Seconds on the virtual clock."""
        return self.clock.monotonic()

    def close(self) -> None:
        """Forget all sources and events."""
        self._closed = True
        with self._changed:
            self._software.clear()
            self._raised.clear()
        self._events.clear()

    def _check_open(self) -> None:
        if self._closed:
            raise StateError("the poller is closed")
