"""Poller: how anything wakes the program."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol


class Readable(NamedTuple):
    """A file descriptor that has something to read, or has ended."""

    descriptor: int


class Writable(NamedTuple):
    """A file descriptor that takes more, or has failed."""

    descriptor: int


class Interrupt(NamedTuple):
    """A line of a device, by the number of its bit in the machine's interrupt set."""

    number: int


class Software:
    """A source that the program itself raises: another thread, a signal, a simulated device.

    Compared by identity. `Poller.wake` raises it.
    """

    __slots__ = ("label",)

    def __init__(self, label: str) -> None:
        self.label = label

    def __repr__(self) -> str:
        return f"Software({self.label!r})"


Source = Readable | Writable | Interrupt | Software


class Poller(Protocol):
    """Waits for sources and calls back.

    Descriptors are level-triggered: the callback is called by every `wait` while the condition holds.
    Interrupts and software sources are edges: raised any number of times before a `wait`, they are
    reported once by it, and never lost. Everything but `wake` belongs to one thread.
    """

    def register(self, source: Source, callback: Callable[[], None]) -> None:
        """Call `callback` from `wait` when `source` is ready. A source registered twice is a `StateError`.

        A kind of source that the poller cannot watch is a `DeviceError`.
        """
        ...

    def unregister(self, source: Source) -> None:
        """Forget the source. After this its callback is not called, not even by the `wait` under way.

        A source that is not registered is a `StateError`.
        """
        ...

    def wait(self, deadline: float | None) -> int:
        """Wait until a source is ready or the deadline passes; call the callbacks; return how many were called.

        `deadline` is in seconds on the poller's monotonic clock: None waits for ever, one that has passed
        only looks. May return 0 early (a signal). A callback's exception leaves `wait`; the sources behind
        it are reported by the next one.
        """
        ...

    def wake(self, source: Software) -> None:
        """Raise a software source. May be called from any thread and from a signal handler.

        One that is not registered is ignored: its owner may just have gone.
        """
        ...

    def monotonic(self) -> float:
        """Seconds on the clock by which deadlines are told."""
        ...

    def close(self) -> None:
        """Give back what the poller holds. A second call does nothing."""
        ...
