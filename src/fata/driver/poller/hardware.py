"""The poller of a machine without an operating system: it waits for interrupts."""

from __future__ import annotations

import math
import select
import time
from typing import TYPE_CHECKING, Protocol

from fata.device.poller import Interrupt, Readable, Software, Source
from fata.driver.poller.line import Line, SharedLine
from fata.errors import DeviceError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable

FOREVER = (1 << 63) - 1  # ns
CONSOLE_INPUT = Readable(0)


class Events(Protocol):
    """What the kernel's `_hw` module offers to who waits."""

    @property
    def DEVICE_EVENTS(self) -> int: ...  # noqa: N802  # as the kernel names it

    def wait(self, deadline: int, /) -> int: ...

    def wake(self) -> None: ...


class HardwarePoller:
    """Watches interrupts, software sources and standard input. Deadlines are on `time.monotonic`."""

    monotonic = staticmethod(time.monotonic)  # without a function of Python around it: the loop asks often

    def __init__(self, events: Events) -> None:
        self._events = events
        self._software: dict[Software, Callable[[], None]] = {}
        self._raised: dict[Software, None] = {}  # a set that keeps the order
        self._interrupts: dict[int, Callable[[], None]] = {}
        self._lines: dict[int, SharedLine] = {}
        self._happened = 0  # interrupts that nobody was called for yet
        self._still_up = 0  # lines that were served for long, and wanted more
        self._input: Callable[[], None] | None = None
        self._input_poll = select.poll()
        self._input_poll.register(0, select.POLLIN)
        self._waiting = False
        self._closed = False

    def register(self, source: Source, callback: Callable[[], None]) -> None:
        """Watch `source`. Of descriptors only standard input can be: a `DeviceError` else."""
        self._check_open()
        if self._watches(source):
            raise StateError(f"{source} is registered already")
        if isinstance(source, Software):
            self._software[source] = callback
        elif isinstance(source, Interrupt) and 0 <= source.number < self._events.DEVICE_EVENTS:
            if isinstance(source, Line):
                self._add(source, callback)
            else:
                self._interrupts[source.number] = callback
        elif source == CONSOLE_INPUT:
            self._input = callback
        else:
            raise DeviceError(f"{source}: this machine has interrupts, software sources and standard input")

    def _watches(self, source: Source) -> bool:
        if isinstance(source, Software):
            return source in self._software
        if isinstance(source, Line):
            line = self._lines.get(source.number)
            return source in line.devices if line else source.number in self._interrupts
        if isinstance(source, Interrupt):
            return source.number in self._interrupts
        return source == CONSOLE_INPUT and self._input is not None

    def _add(self, source: Line, callback: Callable[[], None]) -> None:
        """Watch one more device at a line."""
        number = source.number
        line = self._lines.setdefault(number, SharedLine())
        line.devices[source] = callback

        def serve() -> None:
            if line.serve():
                self._still_up |= 1 << number  # an edge will not come; the next wait asks again

        self._interrupts[number] = serve

    def unregister(self, source: Source) -> None:
        """Forget `source`."""
        if not self._watches(source):
            raise StateError(f"{source} is not registered")
        if isinstance(source, Software):
            del self._software[source]
            self._raised.pop(source, None)
        elif isinstance(source, Line) and len(self._lines[source.number].devices) > 1:
            del self._lines[source.number].devices[source]
        elif isinstance(source, Interrupt):
            self._lines.pop(source.number, None)
            del self._interrupts[source.number]
            self._happened &= ~(1 << source.number)
        else:
            self._input = None

    def wait(self, deadline: float | None) -> int:
        """Wait, then call back: software sources, interrupts, input."""
        self._check_open()
        self._waiting = True  # from here on `wake` ends the wait, before it `_raised` keeps it from beginning
        try:
            if self._raised or self._happened or self._still_up or (self._input and self._input_poll.poll(0)):
                limit = 0
            else:
                limit = FOREVER if deadline is None else max(0, min(FOREVER, math.ceil(deadline * 1e9)))
            happened = self._events.wait(limit)
        finally:
            self._waiting = False
        self._happened |= happened & ((1 << self._events.DEVICE_EVENTS) - 1) | self._still_up
        self._still_up = 0
        return self._call_software() + self._call_interrupts() + self._call_input()

    def _call_software(self) -> int:
        called = 0
        for source in tuple(self._raised):
            if source in self._raised:
                del self._raised[source]  # before the call: who raises it from now on has news for the next wait
                self._software[source]()
                called += 1
        return called

    def _call_interrupts(self) -> int:
        called = 0
        while self._happened:
            lowest = self._happened & -self._happened
            self._happened ^= lowest  # before the call, which may raise
            callback = self._interrupts.get(lowest.bit_length() - 1)
            if callback is not None:
                callback()
                called += 1
        return called

    def _call_input(self) -> int:
        if self._input is None or not self._input_poll.poll(0):
            return 0
        self._input()
        return 1

    def wake(self, source: Software) -> None:
        """Raise `source`, from any thread or signal handler."""
        if source in self._software:
            self._raised[source] = None
            if self._waiting:
                self._events.wake()

    def close(self) -> None:
        """Forget all sources."""
        self._closed = True
        self._software.clear()
        self._raised.clear()
        self._interrupts.clear()
        self._lines.clear()
        self._happened = 0
        self._input = None

    def _check_open(self) -> None:
        if self._closed:
            raise StateError("the poller is closed")
